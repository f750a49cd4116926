#include "plugins/loader/table.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include <fmt/core.h>

#include "plugins/loader/find.hpp"
#include "plugins/loader/library.hpp"
#include "plugins/loader/shown_text.hpp"

namespace lab::plugin {
namespace {

// Texts that the library owns are read up to here, so that a missing zero byte
// ends in a long line and not in a crash.
constexpr std::size_t longest_text = 1000;

Param checked_param(const pl_param &raw, std::uint32_t number) {
  const auto refuse = [](const std::string &what) -> void { throw Unusable("params", what); };
  Param param;
  param.name = text_of(raw.name);
  if (!valid_name(param.name))
    refuse(
        fmt::format("parameter {} has the name \"{}\": a name has 1 to 64 of a-z, 0-9 and _, and "
                    "begins with a letter",
                    number, param.name));
  if (raw.type > PL_MILLISECONDS)
    refuse(fmt::format("parameter {} has the type {}: types are 0 to 3, see pl_param", param.name,
                       raw.type));
  param.type = static_cast<Param::Type>(raw.type);
  param.help = text_of(raw.help);
  param.default_value = raw.default_value;
  param.min = raw.min;
  param.max = raw.max;
  if (!std::isfinite(param.min) || !std::isfinite(param.max) || param.min > param.max)
    refuse(
        fmt::format("parameter {} has the range {} to {}: both must be finite, the lower one first",
                    param.name, param.min, param.max));
  if (param.type == Param::Type::boolean && (param.min != 0 || param.max != 1))
    refuse(fmt::format("parameter {} is a boolean with the range {} to {}: it must be 0 to 1",
                       param.name, param.min, param.max));
  const bool whole = param.type == Param::Type::integer;
  if (whole && (std::abs(param.min) > 1e15 || std::abs(param.max) > 1e15 ||
                param.min != std::floor(param.min) || param.max != std::floor(param.max)))
    refuse(fmt::format("parameter {} is an integer with the range {} to {}: give whole numbers",
                       param.name, param.min, param.max));
  if (const auto problem = problem_with(param, param.default_value))
    refuse("the default of parameter " + *problem);
  return param;
}

} // namespace

// True when `field` lies wholly inside what the library says it has.
#define HAS(table, field)                                                                          \
  ((table)->struct_size >= offsetof(pl_strategy, field) + sizeof((table)->field))

// Checks the table as far as it reaches, and copies that far; what it lacks
// stays NULL.
pl_strategy checked_copy(const pl_strategy *table) {
  if (table == nullptr)
    throw Unusable("table", POOL_LAB_ENTRY "() answered NULL: it must return its table");
  if (table->magic != POOL_LAB_MAGIC)
    throw Unusable(
        "table",
        fmt::format("the table's magic is {:#x}, not {:#x}: fill it in from strategy.h, or "
                    "use POOL_LAB_STRATEGY",
                    table->magic, POOL_LAB_MAGIC));
  if (table->abi_major != POOL_LAB_ABI_MAJOR)
    throw Unusable("version",
                   fmt::format("it was built for version {}.{} of the strategy interface, and this "
                               "host has {}.{}: build it again with this lab's headers",
                               table->abi_major, table->abi_minor, POOL_LAB_ABI_MAJOR,
                               POOL_LAB_ABI_MINOR));
  if (!HAS(table, look))
    throw Unusable("table",
                   fmt::format("the table's struct_size is {}, which ends before `look`: set "
                               "it to sizeof(pl_strategy)",
                               table->struct_size));
  pl_strategy copy{};
  std::memcpy(&copy, table, std::min<std::size_t>(table->struct_size, sizeof copy));
  // A function pointer that is only half inside is absent.
  if (!HAS(table, set)) {
    copy.params = nullptr;
    copy.param_count = 0;
    copy.set = nullptr;
  }
  if (!HAS(table, admit))
    copy.admit = nullptr;
  if (!HAS(table, explain))
    copy.explain = nullptr;
  if (!HAS(table, save))
    copy.save = nullptr;
  if (!HAS(table, restore))
    copy.restore = nullptr;
  const auto required = [](bool there, const char *name) {
    if (!there)
      throw Unusable("table",
                     fmt::format("the table's `{}` is NULL: every strategy needs one", name));
  };
  required(copy.create != nullptr, "create");
  required(copy.destroy != nullptr, "destroy");
  required(copy.look != nullptr, "look");
  return copy;
}

#undef HAS

// Not compared with sizeof(pl_param): that grows, and libraries of version 1.0 stay.
void check_param_stride(std::uint32_t stride) {
  if (stride < POOL_LAB_PARAM_SIZE_1_0 || stride % alignof(pl_param) != 0)
    throw Unusable(
        "params",
        fmt::format("param_stride is {}: set it to sizeof(pl_param), as it was built", stride));
}

std::vector<Param> checked_params(const pl_strategy &table) {
  std::vector<Param> params;
  if (table.param_count == 0)
    return params;
  if (table.param_count > POOL_LAB_MAX_PARAMS)
    throw Unusable("params", fmt::format("it has {} parameters: at most {} are allowed",
                                         table.param_count, POOL_LAB_MAX_PARAMS));
  if (table.params == nullptr || table.set == nullptr)
    throw Unusable("params", fmt::format("it has {} parameters but `{}` is NULL", table.param_count,
                                         table.params == nullptr ? "params" : "set"));
  for (const pl_param &raw : raw_params(table)) {
    Param param = checked_param(raw, static_cast<std::uint32_t>(params.size()));
    if (index_of(params, param.name))
      throw Unusable("params", fmt::format("two parameters are called {}", param.name));
    params.push_back(std::move(param));
  }
  return params;
}

std::string text_of(const char *text) {
  return text == nullptr ? "" : shown_text({text, ::strnlen(text, longest_text)});
}

} // namespace lab::plugin
