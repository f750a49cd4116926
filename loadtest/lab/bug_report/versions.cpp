#include "loadtest/lab/bug_report/versions.hpp"

#include <chrono>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <regex>
#include <sstream>
#include <vector>

#include <CLI/CLI.hpp>
#include <Poco/Version.h>
#include <fmt/format.h>
#include <libpq-fe.h>
#include <nlohmann/json.hpp>
#include <pqxx/version>
#include <spdlog/version.h>

#include "db/child.hpp"
#include "loadtest/lab/exit_status.hpp"
#include "loadtest/lab/files.hpp"
#include "loadtest/machine.hpp"

namespace lab::cli {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

std::string clone() {
  const char *path = std::getenv("LAB_CLONE");
  if (!path || !*path)
    throw SetUpFailed("the program was called without scripts/lab, which knows the clone");
  return path;
}

// The first line that a program says, or why it says none.
std::string said_by(std::vector<std::string> argv) {
  try {
    const std::string said = db::run({.argv = std::move(argv)}, 5s).output;
    return said.substr(0, said.find('\n'));
  } catch (const std::exception &e) {
    return e.what();
  }
}

std::string said_by_git() {
  try {
    return said_by({"git", "-C", clone(), "describe", "--always", "--dirty"});
  } catch (const std::exception &e) {
    return e.what();
  }
}

std::string postgres_version() {
  try {
    return said_by({db::PrivatePostgres::programs() / "postgres", "--version"});
  } catch (const std::exception &e) {
    return e.what();
  }
}

// POCO_VERSION is 0xAABBCCDD.
std::string poco_version() {
  return fmt::format("{}.{}.{}", POCO_VERSION >> 24, POCO_VERSION >> 16 & 0xFF,
                     POCO_VERSION >> 8 & 0xFF);
}

} // namespace

std::string versions_text(const Places &places) {
  const auto facts = load::machine_facts();
  std::string text;
  const auto line = [&text](const char *what, const std::string &version) {
    text += fmt::format("{:<12} {}\n", what, version);
  };
  line("lab", POOL_LAB_VERSION);
  line("commit", said_by_git());
  line("system", facts.at("system").get<std::string>());
  line("kernel", facts.at("kernel").get<std::string>());
  line("compiler", facts.at("compiler").get<std::string>());
  line("g++ now", said_by({"g++", "--version"}));
  line("PostgreSQL", postgres_version());
  line("libpq", std::to_string(::PQlibVersion()));
  line("libpqxx", PQXX_VERSION);
  line("Poco", poco_version());
  line("fmt", std::to_string(FMT_VERSION));
  line("spdlog", fmt::format("{}.{}.{}", SPDLOG_VER_MAJOR, SPDLOG_VER_MINOR, SPDLOG_VER_PATCH));
  line("CLI11", CLI11_VERSION);
  line("JSON", fmt::format("{}.{}.{}", NLOHMANN_JSON_VERSION_MAJOR, NLOHMANN_JSON_VERSION_MINOR,
                           NLOHMANN_JSON_VERSION_PATCH));
  std::error_code absent;
  for (const char *program : {"lab", "lab_host", "lab_verify"})
    if (!fs::exists(places.program(program), absent))
      line(program, "is not installed");
  return text;
}

std::string packages_text() {
  const auto list = text_of_file(fs::path(clone()) / "scripts" / "packages");
  if (!list)
    throw SetUpFailed("scripts/packages can't be read");
  // NAME_packages='A B|C ...'
  static const std::regex assigned("^[a-z]+_packages='([^']*)'", std::regex::multiline);
  std::vector<std::string> query = {"dpkg-query", "-W", "-f",
                                    "${Package} ${Version} ${db:Status-Status}\n"};
  for (std::sregex_iterator one(list->begin(), list->end(), assigned), end; one != end; ++one) {
    std::istringstream names(std::regex_replace((*one)[1].str(), std::regex("\\|"), " "));
    for (std::string name; names >> name;)
      query.push_back(name);
  }
  // It tells of those that are there, and complains of the others.
  std::istringstream said(db::run({.argv = query}, 10s).output);
  std::string text;
  for (std::string line; std::getline(said, line);) {
    constexpr std::string_view complains = "dpkg-query: no packages found matching ";
    text += line.starts_with(complains) ? line.substr(complains.size()) + " is absent" : line;
    text += '\n';
  }
  return text;
}

} // namespace lab::cli
