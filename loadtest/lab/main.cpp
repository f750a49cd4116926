// The program `lab`: what people type. This file is its table of contents; each
// command stands in a file of its own.
#include <algorithm>
#include <exception>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "db/connection.hpp"
#include "db/open_files.hpp"
#include "loadtest/lab/commands.hpp"
#include "loadtest/lab/database.hpp"
#include "loadtest/lab/interrupt.hpp"
#include "loadtest/lab/lesson.hpp"
#include "loadtest/lab/load_options.hpp"
#include "loadtest/lab/named_profiles.hpp"
#include "loadtest/lab/path/commands.hpp"
#include "loadtest/profile.hpp"

namespace {

using namespace lab::cli;

void describe(CLI::App &lab, Chosen &chosen) {
  lab.require_subcommand(0, 1);
  add_main_job(lab, chosen);
  add_up(lab, chosen);
  add_down(lab, chosen);
  add_status(lab, chosen);
  add_logs(lab, chosen);
  add_doctor(lab, chosen);
  add_uninstall(lab, chosen);
  add_url(lab, chosen);
  add_reset(lab, chosen);
  add_psql(lab, chosen);
  add_fault(lab, chosen);
  add_pause(lab, chosen);
  add_resume(lab, chosen);
  add_reclaim(lab, chosen);
  add_strategies(lab, chosen);
  add_use(lab, chosen);
  add_new(lab, chosen);
  add_verify(lab, chosen);
  add_watch(lab, chosen);
  add_profiles(lab, chosen);
  add_load(lab, chosen);
  add_compare(lab, chosen);
  add_matrix(lab, chosen);
  add_calibrate(lab, chosen);
  lab::path::add_next(lab, chosen);
  lab::path::add_predict(lab, chosen);
  lab::path::add_check(lab, chosen);
  lab::path::add_hint(lab, chosen);
  lab::path::add_again(lab, chosen);
  lab::path::add_skip(lab, chosen);
  lab::path::add_solve(lab, chosen);
  lab::path::add_report(lab, chosen);
  add_agent(lab, chosen);
}

// Words that are no file's name after --json: profiles, and strategies as far as
// they can be seen.
std::vector<std::string> known_names() {
  std::vector<std::string> names = lab::load::profile_names();
  for (const std::string &name : lesson_strategies())
    names.push_back(name);
  try {
    const Places places = Places::from_environment();
    for (const std::string &name : own_profile_names(places))
      names.push_back(name);
    for (const auto &folder : {places.strategies(), places.my_strategies()}) {
      std::error_code absent;
      for (const auto &file : std::filesystem::directory_iterator(folder, absent))
        names.push_back(file.path().stem());
    }
  } catch (const SetUpFailed &) {
    // Said when the command begins.
  }
  return names;
}

// The words as typed, for CLI11 from the last to the first.
std::vector<std::string> words(int argc, char **argv) {
  auto typed = with_plain_json({argv + 1, argv + argc}, known_names());
  std::reverse(typed.begin(), typed.end());
  return typed;
}

int with(Exit exit) {
  return static_cast<int>(exit);
}

} // namespace

int main(int argc, char **argv) {
  lab::db::ignore_pg_environment();
  lab::db::allow_open_files();
  CLI::App lab{"Pool Strategy Lab: how a connection pool behaves, by running it.\nWithout a "
               "command: starts all, runs four strategies under the same loads, compares them.",
               "scripts/lab"};
  Chosen chosen;
  lab.footer("Something is wrong? scripts/lab doctor, docs/when-it-fails.md, and\n"
             "scripts/lab doctor --bundle, which writes a bug report without secrets.");
  describe(lab, chosen);
  try {
    refuse_passwords({argv + 1, argv + argc});
    lab.parse(words(argc, argv));
  } catch (const CLI::ParseError &e) {
    if (e.get_exit_code() == 0)
      return lab.exit(e);
    fmt::print(stderr, "lab: {}; see scripts/lab --help\n", e.what());
    return with(Exit::set_up);
  } catch (const std::exception &e) {
    fmt::print(stderr, "lab: {}\n", e.what());
    return with(Exit::set_up);
  }
  try {
    return with(chosen.action(Places::from_environment()));
  } catch (const Interrupted &) {
    return with(Exit::interrupted);
  } catch (const std::exception &e) {
    fmt::print(stderr, "lab: {}\n", e.what());
    return with(Exit::set_up);
  }
}
