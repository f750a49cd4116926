// Faults of the host's own, on purpose.
#include <chrono>
#include <cstdint>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "host/faults/host_faults.hpp"
#include "host/routes/routes.hpp"

namespace lab::host {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

int number_in(const json &body, const char *name, int low, int high) {
  const auto found = body.find(name);
  const bool fits =
      found != body.end() && found->is_number_unsigned() && found->get<std::uint64_t>() <= 1000000;
  const int value = fits ? found->get<int>() : low - 1;
  if (value < low || value > high)
    throw Problem::bad_request(
        fmt::format("\"{}\" must be a whole number from {} to {}", name, low, high));
  return value;
}

// {"clear": true}: all; {"clear": "leak"}: that one.
void clear(HostFaults &faults, const json &what) {
  const bool all = what == true;
  if (!all && what != "slow_connects" && what != "leak")
    throw Problem::bad_request("\"clear\" must be true, \"slow_connects\" or \"leak\"");
  if (all || what == "slow_connects")
    faults.clear_slow_connects();
  if (all || what == "leak")
    faults.clear_leak();
}

void begin(HostFaults &faults, const json &body) {
  const json name = body.value("fault", json());
  if (name != "slow_connects" && name != "leak")
    throw Problem::bad_request("\"fault\" must be slow_connects or leak; or say {\"clear\": true}");
  const auto length = milliseconds(
      number_in(body, "length_ms", 1, static_cast<int>(milliseconds(HostFaults::longest).count())));
  const bool begun =
      name == "leak"
          ? faults.leak(number_in(body, "count", 1, HostFaults::most_leaked), length)
          : faults.slow_connects(milliseconds(number_in(
                                     body, "ms", 1, static_cast<int>(HostFaults::slowest.count()))),
                                 length);
  if (!begun)
    throw Problem::bad_request(
        fmt::format("{} is in force already: clear it first, or wait", name.get<std::string>()));
}

} // namespace

void add_fault_routes(Router &router, HostFaults &faults) {
  router.add("GET", "/lab/faults", false,
             [&faults](Call &) { return Answer::json(faults.in_force().dump()); });
  router.add("POST", "/lab/faults", true, [&faults](Call &call) {
    const json body = json_object(call);
    if (body.contains("clear"))
      clear(faults, body["clear"]);
    else
      begin(faults, body);
    return Answer::json(faults.in_force().dump());
  });
  router.add("DELETE", "/lab/faults", true, [&faults](Call &) {
    clear(faults, true);
    return Answer::json(faults.in_force().dump());
  });
}

} // namespace lab::host
