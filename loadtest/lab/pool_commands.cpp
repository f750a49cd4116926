// pause, resume, reclaim: what is done to the pools of all hosts by hand.
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "loadtest/lab/bring_up.hpp"
#include "loadtest/lab/commands.hpp"
#include "loadtest/lab/load_options.hpp"

namespace lab::cli {
namespace {

using nlohmann::json;

std::string connections(int count) {
  return count == 1 ? "1 connection" : fmt::format("{} connections", count);
}

std::string on_hosts(const json &hosts) {
  return hosts.size() > 1 ? fmt::format(" on {} hosts", hosts.size()) : "";
}

void add_switch(CLI::App &lab, Chosen &chosen, bool pause, const char *what) {
  CLI::App *command = lab.add_subcommand(pause ? "pause" : "resume", what);
  auto report_to = std::make_shared<JsonOption>();
  report_to->add_to(*command);
  command->callback([&chosen, report_to, pause] {
    chosen.action = [report_to, pause](const Places &places) {
      json hosts = json::array();
      bool changed = false;
      for (const HostApi &host : running_lab(places).all_hosts()) {
        const json said = host.pause(pause);
        changed = changed || said.at("changed").get<bool>();
        hosts.push_back({{"url", host.url()}, {"changed", said.at("changed")}});
      }
      if (!report_to->to_output())
        fmt::print("{}{}\n",
                   changed ? pause ? "paused" : "resumed"
                   : pause ? "paused already"
                           : "not paused",
                   on_hosts(hosts));
      report_to->write(json{{"paused", pause}, {"changed", changed}, {"hosts", hosts}}.dump(2));
      return Exit::pass;
    };
  });
}

} // namespace

void add_pause(CLI::App &lab, Chosen &chosen) {
  add_switch(lab, chosen, true,
             "Hand out no connections: requests wait, to their deadlines; until `resume`");
}

void add_resume(CLI::App &lab, Chosen &chosen) {
  add_switch(lab, chosen, false, "Hand out connections again, to those that wait in their order");
}

void add_reclaim(CLI::App &lab, Chosen &chosen) {
  CLI::App *command = lab.add_subcommand(
      "reclaim", "Free the connections that are suspected of being leaked (see `status`)");
  auto report_to = std::make_shared<JsonOption>();
  report_to->add_to(*command);
  command->callback([&chosen, report_to] {
    chosen.action = [report_to](const Places &places) {
      json hosts = json::array();
      int all = 0;
      for (const HostApi &host : running_lab(places).all_hosts()) {
        const int count = host.reclaim().at("reclaimed").get<int>();
        hosts.push_back({{"url", host.url()}, {"reclaimed", count}});
        all += count;
      }
      if (!report_to->to_output() && all > 0)
        fmt::print("reclaimed {}{}\n", connections(all), on_hosts(hosts));
      else if (!report_to->to_output())
        fmt::print("nothing to reclaim: no connection is suspected of being leaked\n");
      report_to->write(json{{"reclaimed", all}, {"hosts", hosts}}.dump(2));
      return Exit::pass;
    };
  });
}

} // namespace lab::cli
