// status, logs.
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "loadtest/lab/commands.hpp"
#include "loadtest/lab/database.hpp"
#include "loadtest/lab/faults/in_force.hpp"
#include "loadtest/lab/load_options.hpp"
#include "loadtest/lab/monitoring/daemon.hpp"
#include "loadtest/lab/status_report.hpp"

namespace lab::cli {
namespace {

using nlohmann::json;

std::string process_text(const json &pid) {
  return pid.is_number() ? fmt::format("runs (process {})", pid.get<int>()) : "does not run";
}

std::string with_params(const json &report) {
  std::string text = report.at("strategy").get<std::string>();
  if (text.empty())
    text = "none (the plan that is compiled in)";
  for (const auto &[name, value] : report.at("params").items())
    text += fmt::format(" {}={}", name, value.dump());
  return text;
}

void print_for_people(const json &report) {
  fmt::print("page        {}\n", report.at("host_url").get<std::string>());
  const bool own = report.at("database") == own_database;
  fmt::print("database    {}{}\n", report.at("database_url").get<std::string>(),
             own ? "" : " (not the lab's own)");
  const json &hosts = report.at("hosts");
  fmt::print("host        {}\n", process_text(report.at("host_pid")));
  for (std::size_t number = 1; number < hosts.size(); ++number) {
    const json &host = hosts[number];
    fmt::print("host {}      {}: {}, on {}, {}\n", number + 1, process_text(host.at("pid")),
               host.at("url").get<std::string>(), with_params(host),
               host.at("strategy_state").get<std::string>());
  }
  if (own)
    fmt::print("PostgreSQL  {}\n", process_text(report.at("postgres_pid")));
  fmt::print("agent       {}\n", process_text(report.at("agent_pid")));
  if (const json &monitoring = report.at("monitoring"); monitoring.is_object()) {
    fmt::print("Prometheus  {}\n", monitoring.at("prometheus_url").get<std::string>());
    fmt::print("Grafana     {}\n", monitoring.at("grafana_url").is_string()
                                       ? monitoring.at("grafana_url").get<std::string>()
                                       : "not installed; the page shows the same");
  }
  fmt::print("strategy    {}, {}\n", with_params(report),
             report.at("strategy_state").get<std::string>());
  if (const auto why = report.at("explain").get<std::string>(); !why.empty())
    fmt::print("why         {}\n", why);
  if (const json &diagnosis = report.at("diagnosis"); diagnosis.is_object())
    fmt::print("now         {}: {}\n", diagnosis.at("cause").get<std::string>(),
               diagnosis.at("text").get<std::string>());
  for (const json &fault : report.at("faults"))
    fmt::print("fault       {}\n", fault_line(fault));
  for (const json &event : report.at("events"))
    fmt::print("event       {}\n", event.get<std::string>());
  for (const json &problem : report.at("problems"))
    fmt::print("problem     {}\n", problem.get<std::string>());
  if (report.at("problems").empty())
    fmt::print("no problems\n");
}

} // namespace

void add_status(CLI::App &lab, Chosen &chosen) {
  CLI::App *command =
      lab.add_subcommand("status", "What runs and what is wrong; status 1 when something is");
  auto report_to = std::make_shared<JsonOption>();
  report_to->add_to(*command);
  command->callback([&chosen, report_to] {
    chosen.action = [report_to](const Places &places) {
      const json report = status_report(places);
      if (!report_to->to_output())
        print_for_people(report);
      report_to->write(report.dump(2, ' ', false, json::error_handler_t::replace));
      return report.at("problems").empty() ? Exit::pass : Exit::fail;
    };
  });
}

void add_logs(CLI::App &lab, Chosen &chosen) {
  struct Options {
    std::string which;
    int lines = 40;
    bool follow = false;
  };
  CLI::App *command = lab.add_subcommand("logs", "The last lines of the logs");
  auto options = std::make_shared<Options>();
  command
      ->add_option("WHICH", options->which, "host, agent, postgres or monitoring; without it: all")
      ->check(CLI::IsMember({"host", "agent", "postgres", "monitoring"}));
  command->add_option("-n,--lines", options->lines, "How many of each")
      ->check(CLI::Range(0, 1'000'000))
      ->option_text("N");
  command->add_flag("-f,--follow", options->follow, "Stay, and show what comes");
  command->callback([&chosen, options] {
    chosen.action = [options](const Places &places) -> Exit {
      std::vector<std::string> arguments = {"tail", "-n", std::to_string(options->lines)};
      if (options->follow)
        arguments.push_back("-F");
      const std::vector<std::pair<std::string, std::filesystem::path>> logs = {
          {"host", places.host_log()},
          {"host", places.host_log(1)},
          {"agent", places.agent_log()},
          {"postgres", places.postgres_folder() / "log"},
          {"monitoring", daemon_log(places, "exporter")},
          {"monitoring", daemon_log(places, "prometheus")},
          {"monitoring", daemon_log(places, "grafana")}};
      const auto options_only = arguments.size();
      for (const auto &[name, file] : logs) {
        std::error_code unseen;
        if ((options->which.empty() || options->which == name) &&
            std::filesystem::exists(file, unseen))
          arguments.push_back(file.string());
      }
      if (arguments.size() == options_only)
        throw SetUpFailed("there are no logs yet: run scripts/lab up");
      std::vector<char *> pointers;
      for (std::string &argument : arguments)
        pointers.push_back(argument.data());
      pointers.push_back(nullptr);
      ::execvp("tail", pointers.data());
      throw SetUpFailed(fmt::format("tail can't be started: {}", std::strerror(errno)));
    };
  });
}

} // namespace lab::cli
