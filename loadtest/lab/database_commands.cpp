// reset, psql.
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "db/conninfo.hpp"
#include "db/private_postgres.hpp"
#include "loadtest/lab/commands.hpp"
#include "loadtest/lab/database.hpp"
#include "loadtest/lab/load_lock.hpp"

namespace lab::cli {
namespace {

// What shells answer for a program that is not there, and for one that can't run.
constexpr int not_found = 127;
constexpr int not_executable = 126;

std::unique_ptr<db::LabDatabase> usable_database(const Places &places) {
  auto database = database_in_use(places, db::lab_user());
  if (const auto problem = database->problem())
    throw SetUpFailed(*problem);
  return database;
}

// Becomes the program: its exit status is then the command's own.
[[noreturn]] void become(std::vector<std::string> arguments) {
  std::vector<char *> pointers;
  for (std::string &argument : arguments)
    pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  std::fflush(nullptr);
  ::execvp(pointers[0], pointers.data());
  const int error = errno;
  fmt::print(stderr, "lab: {} can't be started: {}\n", arguments[0], std::strerror(error));
  std::_Exit(error == ENOENT ? not_found : not_executable);
}

void set(const char *name, const std::string &value) {
  ::setenv(name, value.c_str(), 1);
}

} // namespace

void add_reset(CLI::App &lab, Chosen &chosen) {
  lab.add_subcommand("reset", "The database back to its seed: 5 workers, 10,000 pending jobs")
      ->callback([&chosen] {
        chosen.action = [](const Places &places) {
          const auto database = usable_database(places);
          const auto no_load = LoadLock::take(places.load_lock(), "lab reset");
          database->reset();
          fmt::print("the database is as seeded\n");
          return Exit::pass;
        };
      });
}

void add_psql(CLI::App &lab, Chosen &chosen) {
  CLI::App *command = lab.add_subcommand(
      "psql", "A prompt (on the lab's own database a superuser's, also at the ceiling); or, after "
              "--, any command with the job role's connection in its environment");
  auto arguments = std::make_shared<std::vector<std::string>>();
  command->add_option("COMMAND", *arguments, "After --: the command, such as pgbench -c 5 -T 10")
      ->option_text("[-- COMMAND...]");
  command->callback([&chosen, arguments] {
    chosen.action = [arguments](const Places &places) -> Exit {
      const auto database = usable_database(places);
      // The real programs, before Debian's wrappers, which would look for clusters.
      const char *path = std::getenv("PATH");
      set("PATH", fmt::format("{}:{}", db::PrivatePostgres::programs().string(),
                              path ? path : "/usr/bin:/bin"));
      if (arguments->empty())
        become({"psql", database->conninfo_admin("pool_lab psql")});
      for (const auto &[name, value] : db::environment_of(database->conninfo_jobs("pool_lab psql")))
        set(name.c_str(), value);
      become(*arguments);
    };
  });
}

} // namespace lab::cli
