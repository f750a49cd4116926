#include "host/faults/host_faults.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "host/connector.hpp"

namespace lab::host {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using std::chrono::milliseconds;

// How long a request that leaks waits in line at once, and rests after it got nothing.
constexpr auto leak_wait = 500ms;
constexpr auto leak_rest = 20ms;

// Given back fit for use before the time keeper would shut it.
constexpr auto before_the_deadline = 5s;

} // namespace

struct HostFaults::Fault {
  int amount = 0; // connections, or milliseconds
  pool::Time until{};
  std::atomic<int> held{0};
  std::atomic<bool> over{false};
  std::jthread thread; // its end undoes the fault
};

HostFaults::HostFaults(const Clock &clock, LivePool &pool, EventLog &events)
    : clock_(clock), pool_(pool), events_(events) {}

HostFaults::~HostFaults() {
  clear_slow_connects();
  clear_leak();
}

bool HostFaults::slow_connects(milliseconds by, milliseconds length) {
  auto fault = std::make_unique<Fault>();
  fault->amount = static_cast<int>(by.count());
  fault->until = clock_.now() + length;
  return begin(slow_connects_, std::move(fault),
               [this](Fault &one, const std::stop_token &stop) { slow_down(one, stop); });
}

bool HostFaults::leak(int count, milliseconds length) {
  auto fault = std::make_unique<Fault>();
  fault->amount = count;
  fault->until = clock_.now() + length;
  return begin(leak_, std::move(fault),
               [this](Fault &one, const std::stop_token &stop) { take_and_keep(one, stop); });
}

void HostFaults::clear_slow_connects() {
  clear(slow_connects_);
}
void HostFaults::clear_leak() {
  clear(leak_);
}

bool HostFaults::begin(std::unique_ptr<Fault> &place, std::unique_ptr<Fault> fault, Work work) {
  const std::lock_guard changing(one_at_a_time_);
  {
    const std::lock_guard lock(mutex_);
    if (place && !place->over)
      return false;
  }
  Fault *const one = fault.get();
  std::unique_ptr<Fault> before; // joined without the lock
  {
    const std::lock_guard lock(mutex_);
    before = std::exchange(place, std::move(fault));
    one->thread = std::jthread([one, work = std::move(work)](const std::stop_token &stop) {
      work(*one, stop);
      one->over = true;
    });
  }
  return true;
}

void HostFaults::clear(std::unique_ptr<Fault> &place) {
  const std::lock_guard changing(one_at_a_time_);
  std::unique_ptr<Fault> ended;
  {
    const std::lock_guard lock(mutex_);
    ended = std::exchange(place, nullptr);
  }
  ended.reset(); // stops its thread and waits for it
}

json HostFaults::in_force() const {
  json all = json::object();
  const auto left = [this](const Fault &fault) {
    return std::chrono::duration_cast<milliseconds>(
               std::max(fault.until - clock_.now(), pool::Duration::zero()))
        .count();
  };
  const std::lock_guard lock(mutex_);
  if (slow_connects_ && !slow_connects_->over)
    all["slow_connects"] = {{"ms", slow_connects_->amount}, {"ends_in_ms", left(*slow_connects_)}};
  if (leak_ && !leak_->over)
    all["leak"] = {
        {"count", leak_->amount}, {"held", leak_->held.load()}, {"ends_in_ms", left(*leak_)}};
  return all;
}

namespace {

// Until then, or until a stop.
void wait_until(std::chrono::steady_clock::time_point until, const std::stop_token &stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_until(lock, stop, until, [] { return false; });
}

} // namespace

void HostFaults::slow_down(Fault &fault, const std::stop_token &stop) {
  events_.append("fault",
                 {{"what", fmt::format("each new connection takes {} ms longer", fault.amount)},
                  {"detail", ""}});
  Connector::slow_down(milliseconds(fault.amount));
  wait_until(clock_.steady(fault.until), stop);
  Connector::slow_down(0ms);
  events_.append("fault", {{"what", "new connections are as quick as before"}, {"detail", ""}});
}

void HostFaults::take_and_keep(Fault &fault, const std::stop_token &stop) {
  events_.append("fault",
                 {{"what", fmt::format("{} connections leak", fault.amount)}, {"detail", ""}});
  std::vector<Lease> kept;
  while (!stop.stop_requested() && static_cast<int>(kept.size()) < fault.amount &&
         clock_.now() < fault.until) {
    const pool::Time deadline = fault.until + before_the_deadline;
    const pool::Time wait_to = std::min(fault.until, clock_.now() + leak_wait);
    auto got = pool_.acquire(deadline, "POST /lab/faults", deadline - wait_to);
    if (auto *lease = std::get_if<Lease>(&got)) {
      kept.push_back(std::move(*lease));
      fault.held = static_cast<int>(kept.size());
    } else {
      wait_until(clock_.steady(clock_.now() + leak_rest), stop);
    }
  }
  wait_until(clock_.steady(fault.until), stop);
  for (Lease &lease : kept)
    (void)lease.give_back(true);
  fault.held = 0;
  events_.append("fault", {{"what", "the leaked connections are back"}, {"detail", ""}});
}

} // namespace lab::host
