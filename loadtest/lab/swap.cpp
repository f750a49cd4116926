#include "loadtest/lab/swap.hpp"

#include <chrono>

#include "loadtest/lab/agent.hpp"
#include "loadtest/lab/exit_status.hpp"
#include "loadtest/lab/hand_over.hpp"

namespace lab::cli {
namespace {

using namespace std::chrono_literals;

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

} // namespace

nlohmann::json swap_to(const Places &places, const HostApi &host, const Choice &choice,
                       HostApi::Instance instance) {
  hand_over_strategies(places);
  take_settings(places);
  const StateFile state(places.state());
  state.change([&choice](State &s) { s.trying = {choice, std::chrono::system_clock::now()}; });
  nlohmann::json said;
  try {
    said = host.use(choice, instance);
  } catch (const HostProblem &) {
    state.change([](State &s) { s.trying.reset(); });
    throw;
  } // unreachable: `trying` stays for the agent, which needs to know whom to blame
  state.change([&choice](State &s) {
    s.trying.reset();
    s.loaded = choice;
    s.refused.erase(choice.name);
  });
  return said;
}

} // namespace lab::cli
