// up, down, url, agent.
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "loadtest/lab/agent.hpp"
#include "loadtest/lab/bring_up.hpp"
#include "loadtest/lab/commands.hpp"
#include "loadtest/lab/host_process.hpp"

namespace lab::cli {

void add_up(CLI::App &lab, Chosen &chosen) {
  CLI::App *command =
      lab.add_subcommand("up", "Start what is missing: PostgreSQL, the agent, the host");
  auto wanted = std::make_shared<Wanted>();
  wanted->add_to(*command);
  command->callback([&chosen, wanted] {
    chosen.action = [wanted](const Places &places) {
      const Running running = bring_up(places, *wanted);
      fmt::print("the lab is up: {}\n", running.host().url());
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
  lab.add_subcommand("url", "The address of host and page; status 1 when it is not up")
      ->callback([&chosen] {
        chosen.action = [](const Places &places) {
          const auto host = recorded_host(places);
          fmt::print("{}\n",
                     HostApi(host ? host->port : StateFile(places.state()).read().port).url());
          if (!host)
            fmt::print(stderr, "lab: it is not up: run scripts/lab up\n");
          return host ? Exit::pass : Exit::fail;
        };
      });
}

void add_agent(CLI::App &lab, Chosen &chosen) {
  lab.add_subcommand("agent", "What `up` leaves running")->group("")->callback([&chosen] {
    chosen.action = [](const Places &places) { return run_agent(places); };
  });
}

} // namespace lab::cli
