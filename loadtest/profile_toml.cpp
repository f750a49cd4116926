#include "loadtest/profile_toml.hpp"

#include <cmath>
#include <functional>
#include <map>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

namespace lab::load {
namespace {

using std::chrono::milliseconds;

// Reads a table word by word. A word that nobody asked for is a mistake, and told with those
// there are.
class Table {
public:
  Table(const toml::table &table, std::string file) : table_(table), file_(std::move(file)) {}

  // Calls `take` with what stands there, if something does.
  void word(const std::string &name, const std::function<void(const toml::node &)> &take) {
    known_.push_back(name);
    if (const toml::node *node = table_.get(name))
      take(*node);
  }

  void text(const std::string &name, std::string &into) {
    word(name, [&](const toml::node &node) {
      const auto value = node.value_exact<std::string>();
      if (!value || value->find('\n') != std::string::npos)
        fail(node, name + " must be a text of one line");
      into = *value;
    });
  }

  void yes_or_no(const std::string &name, bool &into) {
    word(name, [&](const toml::node &node) {
      const auto value = node.value_exact<bool>();
      if (!value)
        fail(node, name + " must be true or false");
      into = *value;
    });
  }

  template <class Into> void whole(const std::string &name, int low, int high, Into &into) {
    word(name, [&](const toml::node &node) { into = whole_number(node, name, low, high); });
  }

  // "..._ms".
  template <class Into> void time_ms(const std::string &name, int high, Into &into) {
    word(name,
         [&](const toml::node &node) { into = milliseconds(whole_number(node, name, 0, high)); });
  }

  // "..._s", also 2.5.
  void time_s(const std::string &name, milliseconds &into) {
    word(name, [&](const toml::node &node) {
      constexpr double hour = 3600;
      const auto value = node.value<double>();
      if (!node.is_number() || !(*value >= 0 && *value <= hour))
        fail(node, fmt::format("{} must be a number of seconds, 0 to {}", name, hour));
      into = milliseconds(std::llround(*value * 1000));
    });
  }

  template <class Value>
  void choice(const std::string &name, const std::map<std::string, Value> &all, Value &into) {
    word(name, [&](const toml::node &node) { into = one_of(node, name, all); });
  }

  template <class Value>
  void list(const std::string &name, const std::map<std::string, Value> &all,
            std::vector<Value> &into) {
    word(name, [&](const toml::node &node) {
      const toml::array *values = node.as_array();
      if (values == nullptr || values->empty())
        fail(node, name + R"( must be a list, as in ["hold_submit", "hold_claim"])");
      into.clear();
      for (const toml::node &value : *values)
        into.push_back(one_of(value, name, all));
    });
  }

  void table(const std::string &name, const std::function<void(Table &)> &read) {
    word(name, [&](const toml::node &node) {
      const toml::table *inner = node.as_table();
      if (inner == nullptr)
        fail(node, fmt::format("{} must be a table: [{}]", name, name));
      read_whole(*inner, read);
    });
  }

  void tables(const std::string &name, const std::function<void(Table &)> &read) {
    word(name, [&](const toml::node &node) {
      const toml::array *all = node.as_array();
      if (all == nullptr || !all->is_array_of_tables())
        fail(node, fmt::format("{} must be tables: [[{}]]", name, name));
      for (const toml::node &one : *all)
        read_whole(*one.as_table(), read);
    });
  }

  // After all words that there are were asked for.
  void no_other_word() const {
    for (const auto &[key, node] : table_)
      if (std::find(known_.begin(), known_.end(), key.str()) == known_.end())
        fail(key.source(), fmt::format("there is no {} here; there are: {}",
                                       std::string_view(key.str()), fmt::join(known_, ", ")));
  }

  [[noreturn]] void fail(const std::string &what) const { fail(table_.source(), what); }

private:
  void read_whole(const toml::table &inner, const std::function<void(Table &)> &read) const {
    Table table(inner, file_);
    read(table);
    table.no_other_word();
  }

  int whole_number(const toml::node &node, const std::string &name, int low, int high) const {
    const auto value = node.value_exact<std::int64_t>();
    if (!value || *value < low || *value > high)
      fail(node, fmt::format("{} must be a whole number, {} to {}", name, low, high));
    return static_cast<int>(*value);
  }

  template <class Value>
  Value one_of(const toml::node &node, const std::string &name,
               const std::map<std::string, Value> &all) const {
    const auto text = node.value_exact<std::string>();
    const auto found = text ? all.find(*text) : all.end();
    if (found != all.end())
      return found->second;
    std::vector<std::string> names;
    for (const auto &[known, value] : all)
      names.push_back(known);
    fail(node, fmt::format("{} can be: {}", name, fmt::join(names, ", ")));
  }

  [[noreturn]] void fail(const toml::node &node, const std::string &what) const {
    fail(node.source(), what);
  }
  [[noreturn]] void fail(const toml::source_region &where, const std::string &what) const {
    throw ProfileMistake(fmt::format("{}, line {}: {}", file_, where.begin.line, what));
  }

  const toml::table &table_;
  std::string file_;
  std::vector<std::string> known_;
};

std::map<std::string, Route> routes() {
  std::map<std::string, Route> all;
  for (int i = 0; i < route_count; ++i)
    all.emplace(route_name(static_cast<Route>(i)), static_cast<Route>(i));
  return all;
}

constexpr int longest_hold_ms = 5000;
constexpr int longest_deadline_ms = 300'000;
constexpr int longest_pause_ms = 60'000;

void read_stage(Table &table, Profile &profile) {
  Stage stage;
  table.time_s("for_s", stage.length);
  table.whole("users", 0, max_users, stage.users);
  table.whole("rate", 0, max_rate, stage.rate);
  table.list("routes", routes(), stage.cycle);
  table.time_ms("hold_ms", longest_hold_ms, stage.hold);
  if (stage.length.count() == 0)
    table.fail("a stage needs its length: for_s = 3");
  profile.stages.push_back(std::move(stage));
}

void read_retry(Table &table, Retry &retry) {
  table.whole("times", 0, 10, retry.times);
  table.time_ms("pause_ms", longest_pause_ms, retry.pause);
  table.whole("backoff_percent", 100, 1000, retry.backoff_percent);
}

void read_trouble(Table &table, Trouble &trouble) {
  table.text("fault", trouble.fault);
  table.whole("amount", 0, 10'000, trouble.amount);
  table.time_s("from_s", trouble.from);
  table.time_s("for_s", trouble.length);
}

void read(Table &table, Profile &profile) {
  static const std::map<std::string, Model> models{{"open", Model::open},
                                                   {"closed", Model::closed}};
  static const std::map<std::string, Arrivals> arrivals{{"poisson", Arrivals::poisson},
                                                        {"constant", Arrivals::constant},
                                                        {"bursty", Arrivals::bursty}};
  table.text("what", profile.what);
  table.choice("model", models, profile.model);
  table.whole("users", 0, max_users, profile.users);
  table.whole("rate", 0, max_rate, profile.rate);
  table.whole("rate_percent", 1, 200, profile.rate_of.percent);
  table.whole("of_connections", 1, 1000, profile.rate_of.connections);
  table.list("routes", routes(), profile.cycle);
  table.choice("arrivals", arrivals, profile.arrivals);
  table.whole("burst", 1, max_burst, profile.burst);
  table.time_s("warm_up_s", profile.warm_up);
  table.time_s("measure_s", profile.measure);
  table.time_ms("hold_ms", longest_hold_ms, profile.hold);
  table.time_ms("slow_hold_ms", longest_hold_ms, profile.slow_hold);
  table.whole("slow_percent", 0, 100, profile.slow_percent);
  table.whole("rows", 1, most_rows, profile.rows);
  table.time_ms("deadline_ms", longest_deadline_ms, profile.deadline);
  table.time_ms("think_ms", longest_pause_ms, profile.think);
  table.time_ms("pause_after_failure_ms", longest_pause_ms, profile.pause_after_failure);
  table.yes_or_no("neighbour", profile.neighbour);
  table.yes_or_no("for_benchmark", profile.for_benchmark);
  table.table("retry", [&](Table &inner) { read_retry(inner, profile.retry); });
  table.table("trouble", [&](Table &inner) { read_trouble(inner, profile.trouble); });
  table.tables("stage", [&](Table &inner) { read_stage(inner, profile); });
  table.no_other_word();
}

} // namespace

Profile parse_profile(const std::string &name, std::string_view text, const std::string &file) {
  Profile profile;
  profile.name = name;
  try {
    const toml::table parsed = toml::parse(text);
    Table table(parsed, file);
    read(table, profile);
    if (profile.what.empty())
      table.fail(R"(it needs what = "...", one line for people)");
  } catch (const toml::parse_error &e) {
    throw ProfileMistake(
        fmt::format("{}, line {}: {}", file, e.source().begin.line, e.description()));
  }
  try {
    Profile measured = profile;
    if (profile.rate == 0 && profile.rate_of.percent > 0)
      measured.rate = 1; // what the machine gives is not known here
    check(measured);
  } catch (const std::invalid_argument &e) {
    throw ProfileMistake(fmt::format("{}: {}", file, e.what()));
  }
  return profile;
}

} // namespace lab::load
