// slow-connects, leak: done by the hosts themselves, which also end them in time.
#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "loadtest/lab/bring_up.hpp"
#include "loadtest/lab/faults/fault_kind.hpp"
#include "loadtest/lab/host_api.hpp"
#include "loadtest/lab/host_process.hpp"

namespace lab::cli {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr auto leaked_soon = 1s;
constexpr auto look_again = 20ms;

// On those that run; one that was started anew has forgotten it.
void clear_on_hosts(const Places &places, const std::string &name) {
  for (int number = 0; number < most_hosts; ++number)
    if (const auto host = recorded_host(places, number))
      (void)HostApi(host->port).change_faults({{"clear", name}});
}

class OnHosts : public FaultAtWork {
public:
  OnHosts(const Places &places, std::string name, json order, std::string ended)
      : places_(places), name_(std::move(name)), ended_(std::move(ended)) {
    try {
      for (const HostApi &host : running_lab(places).all_hosts()) {
        (void)host.change_faults(order);
        begun_.push_back(host);
      }
    } catch (const std::exception &) {
      for (const HostApi &host : begun_)
        (void)host.change_faults({{"clear", name_}});
      throw;
    }
  }

  void undo() override { clear_on_hosts(places_, name_); }
  std::string ended() const override { return ended_; }

protected:
  const std::vector<HostApi> &hosts() const { return begun_; }

private:
  const Places places_;
  const std::string name_;
  const std::string ended_;
  std::vector<HostApi> begun_;
};

class Leaking : public OnHosts {
public:
  Leaking(const Places &places, const FaultSize &size)
      : OnHosts(places, "leak",
                {{"fault", "leak"}, {"count", size.amount}, {"length_ms", size.length.count()}},
                "the leaked connections are back"),
        wanted_(size.amount) {}

  std::string remark() const override {
    std::string told;
    const auto deadline = std::chrono::steady_clock::now() + leaked_soon;
    for (const HostApi &host : hosts()) {
      int held = 0;
      while ((held = held_by(host)) < wanted_ && std::chrono::steady_clock::now() < deadline)
        std::this_thread::sleep_for(look_again);
      if (held < wanted_)
        told += fmt::format("{}the host at {} gave {} of them so far", told.empty() ? "" : "; ",
                            host.url(), held);
    }
    return told;
  }

private:
  static int held_by(const HostApi &host) {
    const json faults = host.faults();
    return faults.contains("leak") ? faults["leak"].at("held").get<int>() : 0;
  }

  const int wanted_;
};

} // namespace

std::vector<FaultKind> faults_of_the_hosts() {
  return {{"slow-connects", "Make each new connection of the hosts take longer", false,
           FaultKind::Amount{"MS", "By how many milliseconds", 1, 10000, 500},
           [](int ms) { return fmt::format("each new connection takes {} ms longer", ms); },
           [](const Places &places, const FaultSize &size) {
             return std::make_unique<OnHosts>(places, "slow_connects",
                                              json{{"fault", "slow_connects"},
                                                   {"ms", size.amount},
                                                   {"length_ms", size.length.count()}},
                                              "new connections are as quick as before");
           },
           [](const Places &places) { clear_on_hosts(places, "slow_connects"); }},
          {"leak", "Have requests take connections of each host and never give them back", false,
           FaultKind::Amount{"COUNT", "How many of each host", 1, 1000, 5},
           [](int count) { return fmt::format("{} connections of each host leak", count); },
           [](const Places &places, const FaultSize &size) {
             return std::make_unique<Leaking>(places, size);
           },
           [](const Places &places) { clear_on_hosts(places, "leak"); }}};
}

} // namespace lab::cli
