// doctor.
#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "loadtest/comparison.hpp"
#include "loadtest/lab/bug_report/bug_report.hpp"
#include "loadtest/lab/checks.hpp"
#include "loadtest/lab/commands.hpp"
#include "loadtest/lab/load_options.hpp"

namespace lab::cli {
namespace {

using nlohmann::json;
using Result = Check::Result;

struct Sign {
  const char *word;
  const char *shape;
  const char *colour; // never the only sign
};

Sign sign_of(Result result) {
  switch (result) {
  case Result::ok:
    return {"ok", "✓", "\x1b[32m"};
  case Result::warn:
    return {"warn", "!", "\x1b[33m"};
  case Result::bad:
    break;
  }
  return {"BAD", "✗", "\x1b[31m"};
}

std::vector<Check> all_checks(const Places &places) {
  std::vector<Check> all = machine_checks();
  for (auto &some : {place_checks(places), running_checks(places)})
    all.insert(all.end(), some.begin(), some.end());
  all.push_back(processor_check(places));
  return all;
}

void print_for_people(const std::vector<Check> &checks) {
  const bool colour = load::style_for(STDOUT_FILENO).colour;
  for (const Check &check : checks) {
    const Sign sign = sign_of(check.result);
    fmt::print("{}{} {:<4}{}  {:<17} {}{}\n", colour ? sign.colour : "", sign.shape, sign.word,
               colour ? "\x1b[0m" : "", check.name, check.said,
               check.to_do.empty() ? "" : "; " + check.to_do);
  }
}

json to_json(const std::vector<Check> &checks, bool fit) {
  json list = json::array();
  for (const Check &check : checks)
    list.push_back({{"name", check.name},
                    {"result", sign_of(check.result).word},
                    {"said", check.said},
                    {"to_do", check.to_do}});
  return {{"fit", fit}, {"checks", list}};
}

// Its status is not whether the machine is fit: a report was asked for, and is there.
Exit bundled(const Places &places, const std::vector<Check> &checks, const std::string &file) {
  const WrittenReport report = write_bug_report(
      places, checks, file.empty() ? std::nullopt : std::optional<std::filesystem::path>(file));
  fmt::print("{}: {} kB. Nothing was sent: read it, then attach it to your report\n",
             report.file.string(), (report.bytes + 999) / 1000);
  return Exit::pass;
}

} // namespace

void add_doctor(CLI::App &lab, Chosen &chosen) {
  CLI::App *command = lab.add_subcommand(
      "doctor", "Is this machine fit for the lab, and what is wrong; status 1 when something is");
  auto report_to = std::make_shared<JsonOption>();
  report_to->add_to(*command);
  auto bundle_to = std::make_shared<std::string>();
  CLI::Option *bundle = command
                            ->add_option("--bundle", *bundle_to,
                                         "Write a bug report without secrets, to FILE or to "
                                         ".lab/report-TIME.txt; nothing is sent")
                            ->expected(0, 1)
                            ->option_text("[FILE]")
                            ->excludes("--json");
  command->callback([&chosen, report_to, bundle, bundle_to] {
    chosen.action = [report_to, bundle, bundle_to](const Places &places) {
      const auto checks = all_checks(places);
      if (bundle->count() > 0)
        return bundled(places, checks, *bundle_to);
      const bool fit = std::none_of(checks.begin(), checks.end(),
                                    [](const Check &c) { return c.result == Result::bad; });
      if (!report_to->to_output())
        print_for_people(checks);
      report_to->write(to_json(checks, fit).dump(2, ' ', false, json::error_handler_t::replace));
      return fit ? Exit::pass : Exit::fail;
    };
  });
}

} // namespace lab::cli
