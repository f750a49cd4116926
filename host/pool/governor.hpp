// The owner of the strategy: shows it an observation, takes its plan, clamps it.
//
// No clock, no thread and no socket: who runs it says when. The live one is
// host/strategy_service.hpp; a simulator can run the very same governor with
// the very same library. [governor] Every function.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "host/pool/pool.hpp"
#include "plugins/loader/library.hpp"

namespace lab::pool {

// What is known of the server, and how old that is.
struct ServerView {
  std::uint32_t max_connections = 0;
  std::uint32_t reserved = 0;
  std::uint32_t others = 0; // connections that are not this pool's
  Duration age{};
};

// Told before and after every call into a library, so that a watchdog can see
// where a governor stands and for how long.
class CallGuard {
public:
  virtual ~CallGuard() = default;
  virtual void enter(const char *call) = 0;
  virtual void leave() = 0;
};

// Values of parameters by name.
using ParamValues = std::vector<std::pair<std::string, double>>;

// A strategy in use: its library and one instance.
struct Strategy {
  std::string name;
  std::uint64_t generation = 0;
  std::filesystem::path copy; // the private copy that is loaded
  std::unique_ptr<plugin::Library> library;
  std::unique_ptr<plugin::Instance> instance;
  ParamValues values; // of every parameter

  // Not even to end it: its thread is parked in it, or its exception crossed the interface.
  void never_call_again() noexcept;
};

struct Decision {
  Plan plan;
  unsigned clamped = 0; // fields that were out of range, or above the share
  std::string explain;
  plugin::CallResult failure; // then `plan` is the one before
};

struct Admission {
  Verdict verdict; // decides nothing where it failed
  plugin::CallResult failure;
};

// What became of the state of the build before.
struct Handover {
  std::size_t bytes = 0;
  std::string problem; // why it was not taken over; "" when it was
};

struct Adopted {
  std::optional<Strategy> old;
  std::optional<Handover> state; // nothing: there was none
};

class Governor {
public:
  Governor(std::uint64_t seed, CallGuard &guard);

  // Loads `copy` and makes an instance with `values` (others keep their
  // defaults). Throws plugin::Unusable. The strategy in use is not touched.
  Strategy load(const std::string &name, std::uint64_t generation,
                const std::filesystem::path &copy, const ParamValues &values);

  // Puts `next` in place of the one in use, with the old one's state where both
  // are builds of one name. End the old one with `retire`. Throws plugin::Unusable when `next`
  // can't begin anew after a restore that failed; the one in use stays then.
  Adopted adopt(Strategy next);

  // Ends a strategy and closes its library.
  plugin::Closed retire(Strategy old);

  // Back to the fixed plan that is compiled in. Answers the old strategy.
  std::optional<Strategy> go_builtin();

  // Changes parameters of the one in use; all or none. One that threw can't be trusted any more,
  // though it may have thrown on the way back only.
  plugin::CallResult set(const ParamValues &values);

  // `seen` as the pool observed it; the server's numbers and `random` are filled in here.
  // No size of the plan goes above `share`: what the host may have open on a server that
  // others use too.
  Decision look(pl_observation seen, const std::optional<ServerView> &server,
                std::uint32_t share = POOL_LAB_MAX_SIZE);

  // The plan in force under another `share`. Asks no strategy.
  Plan in_force(std::uint32_t share) const { return within_share(plan_, share).plan; }
  Admission admit(const pl_ask &ask);

  // Asks about one after the other, and tells what came of each, until `longest_asking` has passed
  // on `now`. Who does not wait any more at its turn is left out. Who is left is kept, unasked:
  // answers how many these are.
  std::size_t admit_all(const std::vector<WaitingRequest> &asks, const std::function<Time()> &now,
                        const std::function<bool(RequestId)> &still_waits,
                        const std::function<void(RequestId, const Admission &)> &tell);
  // A single call is watched. But a thousand of them, each well within what a call may take, would
  // keep looks and settings waiting for seconds.
  static constexpr std::chrono::milliseconds longest_asking{100};

  bool admits() const { return strategy_ && strategy_->library->has_admit(); }
  const Strategy *strategy() const { return strategy_ ? &*strategy_ : nullptr; }

  // A fault was contained: nothing of it may be called or unloaded again. [any
  // thread, once the governor's own is parked]
  void abandon() noexcept;

  // What holds when no strategy does.
  static Plan builtin_plan();

private:
  // Runs one call into a library between `enter` and `leave`.
  template <class Call> auto guarded(const char *name, Call call) {
    guard_.enter(name);
    struct Leave {
      CallGuard &guard;
      ~Leave() { guard.leave(); }
    } leave{guard_};
    return call();
  }
  void begin(Strategy &to, const ParamValues &values);
  plugin::CallResult set_one(Strategy &to, std::uint32_t index, double value);
  plugin::CallResult set_all(Strategy &to, const ParamValues &values);
  std::optional<Handover> hand_over(Strategy &old, Strategy &next);

  CallGuard &guard_;
  Random random_;
  std::optional<Strategy> strategy_;
  Plan plan_ = builtin_plan(); // in force, but for the share
};

} // namespace lab::pool
