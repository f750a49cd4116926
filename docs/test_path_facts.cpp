#include "docs/test_path_facts.hpp"

#include <algorithm>
#include <cmath>
#include <regex>
#include <stdexcept>
#include <string>

#include <nlohmann/json.hpp>

#include "docs/test_prose.hpp"
#include "loadtest/lab/path/course.hpp"
#include "loadtest/profile.hpp"
#include "plugins/loader/library.hpp"

namespace lab::docs {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

// The first group of `pattern` in a file, as a number.
double number_in(const fs::path &file, const std::string &pattern) {
  const std::string text = text_of(file);
  std::smatch found;
  if (!std::regex_search(text, found, std::regex(pattern)))
    throw std::runtime_error(file.string() + ": nothing looks like " + pattern);
  return std::stod(found[1]);
}

json of_profile(const load::Profile &profile) {
  return {{"rate", profile.rate},
          {"users", profile.users},
          {"rows", profile.rows},
          {"hold_ms", profile.hold.count()},
          {"deadline_ms", profile.deadline.count()},
          {"seconds", static_cast<double>(profile.measure.count()) / 1000}};
}

json of_strategy(const fs::path &library) {
  const plugin::Library loaded(library);
  json params = json::object();
  for (const plugin::Param &param : loaded.params())
    params[param.name] = param.default_value;
  return params;
}

// Names in formulas have no minus: "break-small" is break_small there.
std::string fact_name(std::string name) {
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

// "--users 50" and "--set max=3" in its commands; the rate and hold of its table.
json of_run(const path::PlannedRun &run) {
  static const std::regex option(R"(--(?:([a-z]+) |set ([a-z_]+)=)([0-9]+))");
  json facts = {{"rate", run.rate}, {"hold_ms", run.hold_ms}};
  for (const std::string &command : run.commands)
    for (std::sregex_iterator one(command.begin(), command.end(), option), end; one != end; ++one)
      facts[(*one)[1].matched ? (*one)[1].str() : (*one)[2].str()] = std::stod((*one)[3]);
  return facts;
}

} // namespace

path::Facts facts_of_the_code(const fs::path &source, const fs::path &built_strategies) {
  path::Facts facts;
  for (const std::string &name : load::profile_names())
    facts.add(name, of_profile(load::profile_named(name)));
  for (const char *name : {"fixed_tiny", "fixed_huge", "bounded_timeout", "adaptive"})
    facts.add(name, of_strategy(built_strategies / (std::string(name) + ".so")));

  const fs::path shipped = source / "db" / "private_postgres_test.cpp";
  facts.add(
      "postgres",
      {{"max_connections", number_in(shipped, R"x("SHOW max_connections"\), "(\d+)")x")},
       {"reserved", number_in(shipped, R"x("SHOW superuser_reserved_connections"\), "(\d+)")x")}});

  int steps = 0, minutes = 0, short_steps = 0, short_minutes = 0, originals = 0;
  for (const path::Step &step : path::read_steps(source / "docs" / "path" / "steps")) {
    ++steps;
    minutes += step.minutes;
    short_steps += step.in_short_route;
    short_minutes += step.in_short_route ? step.minutes : 0;
    for (const path::PlannedRun &run : step.runs)
      facts.add(fact_name(step.name) + "." + fact_name(run.name), of_run(run));
    for (const path::Question &question : step.questions) {
      if (!question.original.empty())
        originals = std::max(originals, std::stoi(question.original));
      const double answer =
          question.number.empty() ? NAN : path::evaluate(question.number, path::Facts());
      if (!std::isnan(answer))
        facts.add("answer." + fact_name(step.name) + "." + fact_name(question.id), answer);
    }
  }
  facts.add("steps", {{"count", steps},
                      {"minutes", minutes},
                      {"short", short_steps},
                      {"short_minutes", short_minutes},
                      {"originals", originals}});
  const fs::path path = source / "loadtest" / "lab" / "path";
  facts.add("route",
            {{"short_minutes", number_in(path / "course.cpp", R"(short_route_minutes = (\d+))")}});
  facts.add("fast", {{"seconds", number_in(path / "course.cpp", R"(fast_seconds = (\d+))")}});
  facts.add("check", {{"invalid_runs", path::invalid_runs_allowed}});
  return facts;
}

} // namespace lab::docs
