#include "loadtest/lab/swap.hpp"

#include <chrono>

#include <fmt/format.h>

#include "loadtest/lab/agent.hpp"
#include "loadtest/lab/exit_status.hpp"
#include "loadtest/lab/hand_over.hpp"
#include "loadtest/lab/host_process.hpp"

namespace lab::cli {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

// What was saved before this swap comes before it: else the agent would see the
// save afterwards, and drop what is stated now.
void take_settings(const Places &places) {
  try {
    if (const auto agent = Agent::find(places))
      agent->ask("settings", 30s); // it may have to verify all strategies
  } catch (const SetUpFailed &) {
    // An agent in trouble is told by `lab status`, and no reason not to swap.
  }
}

std::string shown(const std::string &strategy) {
  return strategy.empty() ? "the plan that is compiled in" : strategy;
}

// All hosts of one lab on one strategy, one after the other.
class Swap {
public:
  Swap(const Places &places, const std::vector<HostApi> &hosts, const Choice &choice,
       HostApi::Instance instance)
      : state_(places.state()), hosts_(hosts), choice_(choice), instance_(instance) {}

  json run() {
    for (std::size_t number = 0; number < hosts_.size(); ++number) {
      try {
        swap(number);
      } catch (const HostProblem &e) {
        const std::string text = undone(number, e);
        state_.change([](State &s) { s.trying.reset(); });
        throw HostProblem(e.status, e.code, text);
      } catch (const HostUnreachable &e) {
        // `trying` stays for the agent, which needs to know whom to blame.
        throw HostUnreachable(undone(number, e));
      }
    }
    state_.change([&](State &s) {
      s.trying.reset();
      s.refused.erase(choice_.name);
    });
    return answer_;
  }

private:
  void swap(std::size_t number) {
    if (hosts_.size() > 1)
      before_.push_back(hosts_[number].choice());
    state_.change([&](State &s) {
      s.trying = {choice_, std::chrono::system_clock::now(), static_cast<int>(number)};
    });
    const json answer = hosts_[number].use(choice_, instance_);
    if (number == 0)
      answer_ = answer;
    else if (answer.at("params") != answer_.at("params")) // somebody had set one there alone
      (void)hosts_[number].use(hosts_.front().choice(), HostApi::Instance::fresh);
    state_.change([&](State &s) { s.loaded.at(number) = choice_; });
  }

  // What went wrong with this one, and where the others are now.
  std::string undone(std::size_t failed, const std::exception &e) {
    std::string text = e.what();
    if (failed > 0)
      text = fmt::format("{}: {}", host_name(static_cast<int>(failed)), text);
    for (std::size_t number = 0; number < failed; ++number) {
      const std::string host = host_name(static_cast<int>(number));
      const Choice &before = before_[number];
      try {
        (void)hosts_[number].use(before, HostApi::Instance::fresh);
        state_.change([&](State &s) { s.loaded.at(number) = before; });
        text += fmt::format("; {} is back on {}", host, before.name);
      } catch (const std::exception &problem) {
        text += fmt::format("; {} stays on {}, for it does not go back to {}: {}", host,
                            choice_.name, shown(before.name), problem.what());
      }
    }
    return text;
  }

  const StateFile state_;
  const std::vector<HostApi> &hosts_;
  const Choice &choice_;
  const HostApi::Instance instance_;
  std::vector<Choice> before_; // what each one ran, as far as the swap came
  json answer_;                // the first host's
};

} // namespace

json swap_to(const Places &places, const std::vector<HostApi> &hosts, const Choice &choice,
             HostApi::Instance instance) {
  hand_over_strategies(places);
  take_settings(places);
  return Swap(places, hosts, choice, instance).run();
}

std::string state_text(const json &said) {
  const json state = said.value("state", json());
  if (!state.is_object())
    return "";
  if (state.at("taken").get<bool>())
    return fmt::format("; its state ({} bytes) was taken over",
                       state.at("bytes").get<std::size_t>());
  return fmt::format("; its state was not taken over: {}", state.at("problem").get<std::string>());
}

std::string difference_between(const std::vector<HostApi> &hosts) {
  const json first = hosts.front().strategy();
  const std::string name = first.at("name");
  for (std::size_t number = 1; number < hosts.size(); ++number) {
    const json other = hosts[number].strategy();
    const std::string host = host_name(static_cast<int>(number));
    if (other.at("name") != name)
      return fmt::format("{} runs {}, the first one {}: put both on one with scripts/lab use NAME",
                         host, shown(other.at("name")), shown(name));
    if (other.at("params") != first.at("params"))
      return fmt::format("{} runs {} with other settings than the first one: make them the same "
                         "with scripts/lab use {}",
                         host, shown(name), name);
  }
  return "";
}

} // namespace lab::cli
