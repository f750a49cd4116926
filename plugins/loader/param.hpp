// A parameter of a strategy, copied out of its library: a number that a learner
// may change, with its range. Plain data, safe after the library is closed.
// [any thread]
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lab::plugin {

struct Param {
  enum class Type { integer, real, boolean, milliseconds };

  std::string name; // [a-z][a-z0-9_]*, unique in its strategy
  std::string help; // one line, safe to show
  Type type = Type::integer;
  double default_value = 0;
  double min = 0; // inclusive, finite
  double max = 0;
};

// "integer", "real", "boolean" or "milliseconds".
const char *type_name(Param::Type type);

// Why `value` can't be given to `param`, in one line; nothing when it can.
std::optional<std::string> problem_with(const Param &param, double value);

// "mine has no setting called mots; it has: max, wait_ms".
std::string no_such_setting(const std::string &strategy, const std::string &name,
                            const std::vector<Param> &params);

// Where the parameter called `name` stands in `params`.
std::optional<std::uint32_t> index_of(const std::vector<Param> &params, const std::string &name);

} // namespace lab::plugin
