#include "loadtest/lab/swap.hpp"

#include <chrono>

#include "loadtest/lab/hand_over.hpp"

namespace lab::cli {

nlohmann::json swap_to(const Places &places, const HostApi &host, const Choice &choice,
                       HostApi::Instance instance) {
  hand_over_strategies(places);
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
