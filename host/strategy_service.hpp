// Strategies in the running host: swapped, watched, put back.
//
// One thread, the governor's, owns the strategy in use and makes every call
// into it. Everybody else hands it orders and waits for the answer. A watchdog
// thread sees to it that a call that crashes or hangs costs the host nothing:
// the plan in force stays in force, a new governor begins on the fixed plan
// that is compiled in, and the last good strategy is put back, once.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "host/clock.hpp"
#include "host/live_pool.hpp"
#include "host/pool/governor.hpp"
#include "host/strategy_catalogue.hpp"
#include "host/strategy_settings.hpp"
#include "plugins/loader/find.hpp"

namespace lab::host {

// Why a strategy can't be used, with one line for its author.
class StrategyRefused : public std::runtime_error {
public:
  enum class Kind { bad_name, unknown, bad_params, refused };
  StrategyRefused(Kind k, const std::string &what) : std::runtime_error(what), kind(k) {}
  Kind kind;
};

struct SwapResult {
  std::string from; // "" for the fixed plan that is compiled in
  std::string to;
  std::chrono::nanoseconds took{};
  bool swapped = false;                // false: the same build, only parameters changed
  bool unmapped = true;                // the old library is gone from this process
  std::optional<pool::Handover> state; // of the build before, where it had one
  pool::ParamValues params;
};

enum class StrategyState {
  ok,
  builtin,   // the fixed plan compiled into the host
  contained, // the one asked for was stopped; another is in force
};

// As it is called in JSON and metrics.
const char *name_of(StrategyState state);

struct StrategyStatus {
  std::string name;        // in force; "" for the built-in plan
  std::uint64_t build = 0; // of its file's content; 0 for the built-in plan
  StrategyState state = StrategyState::builtin;
  std::string problem; // one line: what was stopped, and why
  bool tainted = false;
  std::string tainted_by; // the strategy that is to blame; "" while it is not
  std::uint64_t generation = 0;
  pool::ParamValues params;     // of every parameter
  pool::ParamValues set;        // those among them that were stated by name, not by the settings
  std::string settings_problem; // what is wrong with the settings file, one line; or ""
  std::string explain;
  std::uint64_t clamped = 0;   // fields of plans, since the start
  std::uint64_t swaps = 0;     // since the start
  std::uint64_t contained = 0; // since the start
};

// Something that changed, for those who watch.
struct StrategyEvent {
  enum class Kind {
    swapped, // `name` is in force, in place of `from`; `problem`: its state could not be taken over
    params,  // parameters of `name` were changed
    contained // `name` was stopped: `problem`
  };
  Kind kind = Kind::swapped;
  std::string name;
  std::string from = {}; // "" for the plan that is compiled in
  std::string problem = {};
  pool::ParamValues params = {};
  std::uint64_t generation = 0;
};

class StrategyService { // [any thread]
public:
  struct Options {
    std::vector<std::filesystem::path> folders; // the lab's own first
    std::filesystem::path copies;               // where private copies go; emptied at the start
    std::filesystem::path verifier;             // the program lab_verify
    bool verify = true;                         // tests of containment let bad ones through
    std::uint64_t seed = 1;
    // Told of each change, under the service's lock: it must not call back.
    std::function<void(const StrategyEvent &)> on_event = [](const StrategyEvent &) {};
    StrategySettings settings; // to begin with; not checked: what doesn't fit is left out
    // The most connections that the pool may have at the moment, where the server is shared
    // with others. Nothing: as many as the strategy says. Asked often, so it may move.
    std::function<std::uint32_t()> share;
  };
  using ServerNumbers = std::function<std::optional<pool::ServerView>()>;

  StrategyService(const Clock &clock, LivePool &pool, Options options, ServerNumbers server);
  ~StrategyService();

  // Uses `name`. The same name and build: changes the parameters named, unless
  // `fresh` asks for a new instance. Otherwise: a new instance, with `params`
  // over its settings, and these over its defaults. Blocks until it is in force. Throws
  // StrategyRefused; then nothing has changed.
  SwapResult use(const std::string &name, const pool::ParamValues &params, bool fresh = false);

  // `settings` in place of those of before, at once in force for the strategy in
  // use, without a swap. What was stated by name is dropped, for the file was
  // saved after it; unless `keep_set`. Throws StrategyRefused; then nothing has
  // changed.
  void change_settings(const StrategySettings &settings, bool keep_set);
  StrategySettings settings() const;

  // Shown in the status until it is mended, which is told by "".
  void note_settings_problem(const std::string &problem);

  // Shown in the status until the next use: what could not be done, in one line.
  void note_problem(const std::string &problem);

  // Ends the strategy in use while the watchdog can still stop what hangs in its end, and takes
  // no more orders: they are refused. Comes back without having ended it where that can't be
  // stopped; the host is tainted then.
  void shut_down();

  StrategyStatus status() const;
  std::vector<Listed> list() { return catalogue_.list(); }

private:
  struct Post; // one governor thread and its orders
  using Order = std::function<SwapResult(Post &)>;
  struct Wanted {
    std::string name;
    pool::ParamValues params;
  };

  std::shared_ptr<Post> open_post();
  void close_post(Post &post);
  SwapResult use_now(const std::string &name, const pool::ParamValues &params, bool fresh);
  SwapResult give_order(const std::string &culprit, Order order);
  std::future<SwapResult> queue_order(const std::string &culprit, Order order);
  SwapResult set_params(const pool::ParamValues &params);
  SwapResult swap(const plugin::Found &found, const pool::ParamValues &params);
  void check_settings(const StrategySettings &settings);
  pool::ParamValues settings_of(const std::string &name) const;

  void govern(Post &post); // [governor]
  enum class After { time, new_settings, new_strategy };
  void look(Post &post, After after); // [governor]
  void keep_to_share(Post &post);     // [governor]
  std::uint32_t share() const;
  void ask_about_waiters(Post &post);                            // [governor]
  void expel(Post &post, const std::string &why, bool callable); // [governor]

  [[noreturn]] void refuse_settings(Post &post, const plugin::CallFailure &failure); // [governor]
  void note_in_force(const Post &post, std::uint64_t build, const pool::ParamValues &set,
                     const std::string &problem);            // [governor]
  pool::ParamValues values_in_force(const Post &post) const; // [governor]
  void note_fall(const std::string &culprit, const std::string &what);

  void note_taint(const std::string &culprit);
  std::string culprit_of(Post &post) const;

  void watch(std::stop_token stop);         // [watchdog]
  void contain(std::shared_ptr<Post> post); // [watchdog]
  void end_hung_call(Post &post);           // [watchdog]
  void put_back();                          // [watchdog]
  void use_again(const Wanted &wanted, const std::string &problem);

  const Clock &clock_;
  LivePool &pool_;
  const Options options_;
  const ServerNumbers server_;
  StrategyCatalogue catalogue_;

  std::timed_mutex swap_mutex_; // one `use` at a time; taken before mutex_
  mutable std::mutex mutex_; // guards all below, for moments; never held while the pool is called
  std::shared_ptr<Post> post_;
  StrategyStatus status_;
  StrategySettings settings_;
  std::uint64_t last_generation_ = 0;
  std::optional<Wanted> last_good_; // what was in force before
  std::optional<Wanted> put_back_;  // for the watchdog, once
  bool is_putting_back_ = false;
  bool ending_ = false; // no more orders

  std::jthread watchdog_;
  std::jthread putting_back_; // [watchdog] a swap ordered by the watchdog, which must stay free
};

} // namespace lab::host
