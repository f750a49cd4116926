// up, down, url, agent.
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "loadtest/lab/agent.hpp"
#include "loadtest/lab/bring_up.hpp"
#include "loadtest/lab/commands.hpp"
#include "loadtest/lab/forwarding.hpp"
#include "loadtest/lab/host_process.hpp"
#include "loadtest/lab/monitoring/monitoring.hpp"

namespace lab::cli {

void add_up(CLI::App &lab, Chosen &chosen) {
  CLI::App *command = lab.add_subcommand(
      "up", "Start what is missing: PostgreSQL, the agent, the hosts, what monitors them");
  auto wanted = std::make_shared<Wanted>();
  wanted->add_to(*command);
  command->callback([&chosen, wanted] {
    chosen.action = [wanted](const Places &places) {
      const Running running = bring_up(places, *wanted);
      std::vector<std::string> urls;
      for (const HostApi &host : running.all_hosts())
        urls.push_back(host.url());
      fmt::print("the lab is up: {}\n", fmt::join(urls, " and "));
      const State state = StateFile(places.state()).read();
      if (!state.forwarded.empty())
        fmt::print("in this editor: {}\n", forwarded_origin(state.forwarded, state.port));
      if (state.monitoring)
        for (const std::string &line : monitoring_lines(state))
          fmt::print("{}\n", line);
      return Exit::pass;
    };
  });
}

void add_down(CLI::App &lab, Chosen &chosen) {
  lab.add_subcommand("down", "Stop all that the lab started; data and settings stay")
      ->callback([&chosen] {
        chosen.action = [](const Places &places) {
          const std::string stopped = take_down(places);
          fmt::print("{}\n", stopped.empty() ? "nothing was up" : "stopped: " + stopped);
          return Exit::pass;
        };
      });
}

void add_url(CLI::App &lab, Chosen &chosen) {
  CLI::App *command =
      lab.add_subcommand("url", "The address of host and page; status 1 when it is not up");
  auto all = std::make_shared<bool>(false);
  command->add_flag("--all", *all, "Of each host, one a line");
  command->callback([&chosen, all] {
    chosen.action = [all](const Places &places) {
      const State state = StateFile(places.state()).read();
      Exit exit = Exit::pass;
      for (int number = 0; number < (*all ? state.hosts : 1); ++number) {
        const auto host = recorded_host(places, number);
        fmt::print("{}\n", HostApi(host ? host->port : state.port_of(number)).url());
        if (!host)
          fmt::print(stderr, "lab: {} is not up: run scripts/lab up\n",
                     number == 0 ? "it" : host_name(number));
        exit = host ? exit : Exit::fail;
      }
      return exit;
    };
  });
}

void add_agent(CLI::App &lab, Chosen &chosen) {
  lab.add_subcommand("agent", "What `up` leaves running")->group("")->callback([&chosen] {
    chosen.action = [](const Places &places) { return run_agent(places); };
  });
}

} // namespace lab::cli
