// The governor's thread: it looks, carries out orders, and expels a strategy that misbehaves
// without having stopped it.
#include <algorithm>
#include <chrono>
#include <exception>
#include <mutex>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "host/containment.hpp"
#include "host/strategy_post.hpp"
#include "host/strategy_service.hpp"

namespace lab::host {
namespace {

using std::chrono::milliseconds;

// Processor time that a look may take; more, `slow_looks` times running, and it goes.
constexpr auto slow_look = milliseconds(5);
constexpr int slow_looks = 3;
constexpr int failed_looks = 3;

// How often a share is asked for: as often as the server is.
constexpr auto look_at_share = milliseconds(500);

} // namespace

std::shared_ptr<StrategyService::Post> StrategyService::open_post() {
  auto post = std::make_shared<Post>(options_.seed);
  pool_.on_ask([watched = std::weak_ptr<Post>(post)] {
    if (const auto asked = watched.lock()) {
      {
        const std::lock_guard lock(asked->mutex);
        asked->asked = true;
      }
      asked->wake.notify_one();
    }
  });
  post->thread = std::thread([this, post] { govern(*post); });
  return post;
}

void StrategyService::close_post(Post &post) {
  {
    const std::lock_guard lock(post.mutex);
    post.stop = true;
  }
  post.wake.notify_one();
  post.thread.join();
}

void StrategyService::govern(Post &post) {
  post.watch.attach();
  look(post, After::new_strategy);
  for (;;) {
    std::shared_ptr<Post::Pending> order;
    bool asked = false;
    {
      std::unique_lock lock(post.mutex);
      post.current.reset();
      const pool::Time wakes =
          options_.share ? std::min<pool::Time>(post.next_look, clock_.now() + look_at_share)
                         : post.next_look;
      post.wake.wait_until(lock, clock_.steady(wakes),
                           [&] { return post.stop || post.asked || !post.orders.empty(); });
      if (post.stop)
        break;
      if (!post.orders.empty()) {
        order = post.current = post.orders.front();
        post.orders.pop_front();
      }
      asked = std::exchange(post.asked, false);
    }
    if (order) {
      try {
        order->answer.set_value(order->order(post));
      } catch (...) {
        order->answer.set_exception(std::current_exception());
      }
      // Answered: a fault in a later look is not this order's.
      const std::lock_guard lock(post.mutex);
      post.current.reset();
    }
    if (asked) {
      ask_about_waiters(post);
      // Soon, but never more often than once a millisecond.
      if (post.plan.look_when_waiting)
        post.next_look = std::min(post.next_look, post.last_look + milliseconds(1));
    }
    if (clock_.now() >= post.next_look)
      look(post, After::time);
    else
      keep_to_share(post);
  }
  post.watch.detach();
}

std::uint32_t StrategyService::share() const {
  return options_.share ? std::min<std::uint32_t>(options_.share(), POOL_LAB_MAX_SIZE)
                        : POOL_LAB_MAX_SIZE;
}

// Others don't wait for the next look, which a strategy may want in a minute only.
void StrategyService::keep_to_share(Post &post) {
  const std::uint32_t now = share();
  if (post.plan.share == now)
    return;
  post.plan = post.governor.in_force(now);
  pool_.follow(post.plan, false, post.governor.admits());
}

void StrategyService::look(Post &post, After after) {
  const bool fresh = after == After::new_strategy;
  pl_observation seen = pool_.observe();
  if (fresh) { // nothing that happened under another strategy
    seen = pool_.observe();
    seen.window = 0;
    post.slow = post.failed = 0;
  }
  const auto cpu_before = post.watch.cpu_in_calls();
  pool::Decision decision = post.governor.look(seen, server_(), share());
  post.slow = post.watch.cpu_in_calls() - cpu_before > slow_look ? post.slow + 1 : 0;
  post.failed = decision.failure ? post.failed + 1 : 0;

  if (decision.failure && (decision.failure->threw || post.failed >= failed_looks)) {
    expel(post, "failed in look: " + decision.failure->text, !decision.failure->threw);
    return;
  }
  if (post.slow >= slow_looks) {
    expel(post, "was too slow: a look took more than 5 ms of processor time, three times running",
          true);
    return;
  }
  if (!decision.failure || fresh) {
    // Who states a lower number means it: then, too, connections above it are closed.
    pool_.follow(decision.plan, after != After::time, post.governor.admits());
    post.plan = decision.plan;
  }
  post.last_look = clock_.now();
  post.next_look = post.last_look + std::max<pool::Duration>(post.plan.next_look, milliseconds(1));
  const std::lock_guard lock(mutex_);
  status_.explain = decision.failure ? "look failed: " + decision.failure->text : decision.explain;
  status_.clamped += decision.clamped;
}

void StrategyService::ask_about_waiters(Post &post) {
  if (!post.governor.admits())
    return;
  const std::uint64_t generation = post.governor.strategy()->generation;
  const std::string name = post.governor.strategy()->name;
  const std::vector<pool::WaitingRequest> asks = pool_.take_asks();
  const std::size_t unasked = post.governor.admit_all(
      asks, [&] { return clock_.now(); },
      [&](pool::RequestId request) { return pool_.waits(request); },
      [&](pool::RequestId request, const pool::Admission &admission) {
        pool_.admitted(request, admission.verdict);
        if (admission.failure && admission.failure->threw)
          expel(post, fmt::format("failed in admit: {}", admission.failure->text), false);
      });
  if (unasked > 0 && std::exchange(post.told_of_slow_admit, generation) != generation)
    spdlog::warn(
        "{} is slow in admit: of {} requests that began to wait, it was not asked about {} "
        "within {} ms; they are kept",
        name, asks.size(), unasked, pool::Governor::longest_asking.count());
}

// Their reason is the answer. Whoever threw across the interface goes, as it would at a look.
void StrategyService::refuse_settings(Post &post, const plugin::CallFailure &failure) {
  if (!failure.threw)
    throw StrategyRefused(StrategyRefused::Kind::bad_params, failure.text);
  expel(post, fmt::format("failed in set: {}", failure.text), false);
  throw StoppedInOrder(status().problem);
}

// Noted by the governor itself, so that a fault in the very next look finds the
// right one to blame. Nothing, when the strategy was expelled at its first look.
void StrategyService::note_in_force(const Post &post, std::uint64_t build,
                                    const pool::ParamValues &set, const std::string &problem) {
  const pool::Strategy *strategy = post.governor.strategy();
  if (strategy == nullptr)
    return;
  const std::lock_guard lock(mutex_);
  const std::string from = status_.name;
  if (!status_.name.empty() && status_.name != strategy->name)
    last_good_ = Wanted{status_.name, status_.set};
  status_.name = strategy->name;
  status_.build = build;
  status_.state = StrategyState::ok;
  status_.problem.clear();
  status_.generation = strategy->generation;
  status_.params = strategy->values;
  status_.set = set;
  ++status_.swaps;
  options_.on_event({StrategyEvent::Kind::swapped, strategy->name, from, problem, strategy->values,
                     strategy->generation});
}

// Throws when the strategy was expelled at its first look: as one that was stopped in its order, so
// that its copy is kept.
pool::ParamValues StrategyService::values_in_force(const Post &post) const {
  if (const pool::Strategy *strategy = post.governor.strategy())
    return strategy->values;
  throw StoppedInOrder(status().problem);
}

// Ends a strategy that misbehaves without having stopped its thread. One whose
// exception crossed the ABI can't be called again, not even to end it.
void StrategyService::expel(Post &post, const std::string &why, bool callable) {
  std::optional<pool::Strategy> old = post.governor.go_builtin();
  if (!old)
    return;
  const std::string name = old->name;
  if (callable) {
    (void)post.governor.retire(std::move(*old));
  } else {
    old->never_call_again();
  }
  {
    const std::lock_guard lock(mutex_);
    note_fall(name, why);
  }
  spdlog::error("strategy {} {}", name, why);
  look(post, After::new_strategy);
  wake_watchdog();
}

} // namespace lab::host
