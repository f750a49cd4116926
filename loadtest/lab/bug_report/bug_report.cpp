#include "loadtest/lab/bug_report/bug_report.hpp"

#include <chrono>
#include <ctime>
#include <system_error>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "loadtest/lab/bug_report/gathered.hpp"
#include "loadtest/lab/bug_report/identity.hpp"
#include "loadtest/lab/bug_report/new_file.hpp"
#include "loadtest/lab/disk_space.hpp"
#include "loadtest/lab/exit_status.hpp"

namespace lab::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char *otherwise = "name another file: scripts/lab doctor --bundle FILE";

std::tm now() {
  return fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()));
}

std::string introduction() {
  return fmt::format(
      "Pool Strategy Lab: a report of what is wrong, made {:%Y-%m-%d %H:%M:%S} UTC.\n"
      "Nothing was sent. Read it before you do.\n"
      "\n"
      "Taken out: passwords, tokens and keys (\"(secret)\"), home folders (\"~\"), "
      "names of users\n"
      "and machines (\"USER\", \"HOST\"), where the lab stands (\"$LAB_HOME\", "
      "\"$LAB_WORK\", \"$LAB_CLONE\").\n"
      "Not in it: what jobs carry, the text of strategies, other variables of the "
      "environment.\n",
      now());
}

// No character that a terminal obeys: logs hold what strategies and compilers said.
std::string plain(std::string text) {
  for (char &c : text)
    if ((static_cast<unsigned char>(c) < ' ' && c != '\n' && c != '\t') || c == '\x7f')
      c = '?';
  return text;
}

fs::path usual_file(const Places &places) {
  std::error_code problem;
  fs::create_directories(places.records(), problem);
  if (problem)
    throw SetUpFailed(fmt::format("{} can't be made: {}; {}", places.records().string(),
                                  problem.message(), otherwise));
  return places.records() / fmt::format("report-{:%Y%m%dT%H%M%SZ}.txt", now());
}

} // namespace

std::string bug_report(const Places &places, const std::vector<Check> &checks) {
  // All of it at once and at the very end, so that no part can forget it.
  return introduction() + redaction_for(places)(plain(gathered(places, checks)));
}

WrittenReport write_bug_report(const Places &places, const std::vector<Check> &checks,
                               const std::optional<fs::path> &file) {
  const fs::path to = file ? *file : usual_file(places);
  const std::string text = bug_report(places, checks);
  write_new_file(to, text, otherwise);
  return {to, text.size()};
}

} // namespace lab::cli
