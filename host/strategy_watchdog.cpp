// The watchdog's thread: a governor whose call crashed or hangs is left behind, another begins, and
// the last good strategy is put back.
#include <chrono>
#include <deque>
#include <exception>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "host/containment.hpp"
#include "host/strategy_post.hpp"
#include "host/strategy_service.hpp"

namespace lab::host {
namespace {

// A call that takes longer than this by the wall clock hangs.
constexpr std::chrono::seconds hung_after{1};

// A thread that is told to park does so at once, unless it can't be reached.
constexpr std::chrono::seconds parks_within{1};

} // namespace

void StrategyService::watch(std::stop_token stop) {
  while (!stop.stop_requested()) {
    wait_for_parking(std::chrono::milliseconds(50));
    std::shared_ptr<Post> post;
    {
      const std::lock_guard lock(mutex_);
      post = post_;
    }
    if (post->watch.parked())
      contain(post);
    else
      end_hung_call(*post);
    put_back();
  }
}

void StrategyService::end_hung_call(Post &post) {
  if (post.watch.in_call_for() <= hung_after) {
    post.told_to_park.reset();
    return;
  }
  const pool::Time now = clock_.now();
  if (!post.told_to_park) {
    if (post.watch.park_hung(hung_after))
      post.told_to_park = now;
  } else if (now - *post.told_to_park > parks_within && !std::exchange(post.unstoppable, true)) {
    // It blocks the signal, or is stuck in the kernel.
    const std::string culprit = culprit_of(post);
    const std::string what = fmt::format("hung in {} and can't be stopped", post.watch.call());
    {
      const std::lock_guard lock(mutex_);
      note_fall(culprit, what);
      note_taint(culprit);
    }
    spdlog::error("strategy {} {}", culprit, what);
  }
}

// Whose code the governor runs.
std::string StrategyService::culprit_of(Post &post) const {
  {
    const std::lock_guard lock(post.mutex);
    if (post.current && !post.current->culprit.empty())
      return post.current->culprit;
  }
  return status().name;
}

void StrategyService::contain(std::shared_ptr<Post> post) {
  std::error_code ignored;
  const std::string what =
      post->watch.what(std::filesystem::weakly_canonical(options_.copies, ignored));
  post->thread.detach(); // parked for ever, with all that it holds
  post->governor.abandon();

  const std::string culprit = culprit_of(*post);
  bool tainted = false;
  {
    const std::lock_guard lock(mutex_);
    if (!post->unstoppable) // else it is noted already: it stopped after all
      note_fall(culprit, what);
    // Loading holds the loader's own lock: nothing can be loaded after that.
    const std::string_view call = post->watch.call();
    if (post->watch.damaged_memory() || call == "load" || call == "close")
      note_taint(culprit);
    tainted = status_.tainted;
    if (tainted)
      put_back_.reset();
  }
  // Kept for ever: the parked thread stands on it.
  static std::vector<std::shared_ptr<Post>> parked;
  parked.push_back(post);
  auto next = open_post();
  {
    const std::lock_guard lock(mutex_);
    post_ = next;
  }
  // Only now: who finds it closed looks for the next one, which is there.
  std::shared_ptr<Post::Pending> broken;
  std::deque<std::shared_ptr<Post::Pending>> waiting;
  {
    const std::lock_guard lock(post->mutex);
    post->closed = true;
    broken = post->current;
    waiting.swap(post->orders);
  }
  const std::string problem = fmt::format("{} {}", culprit, what);
  if (broken)
    broken->answer.set_exception(std::make_exception_ptr(StoppedInOrder(problem)));
  if (!tainted) {
    // They had not begun, and one of them may be the cure.
    const std::lock_guard lock(next->mutex);
    next->orders.insert(next->orders.end(), waiting.begin(), waiting.end());
    next->wake.notify_one();
  } else {
    for (const auto &order : waiting)
      order->answer.set_exception(
          std::make_exception_ptr(StrategyRefused(StrategyRefused::Kind::refused, problem)));
  }
  // Last: whatever becomes of the log, the pool is governed and everybody has an answer.
  spdlog::error("strategy {}; contained, its thread is parked", problem);
}

// What a fall changes in the status, and who is to be put back. [mutex_ held]
void StrategyService::note_fall(const std::string &culprit, const std::string &what) {
  // A new one that fell at once has not replaced the one in force yet.
  if (!status_.name.empty() && status_.name != culprit)
    put_back_ = Wanted{status_.name, status_.set};
  else if (last_good_ && last_good_->name != culprit)
    put_back_ = last_good_;
  last_good_.reset();
  status_.state = StrategyState::contained;
  status_.problem = fmt::format("{} {}", culprit, what);
  status_.name.clear();
  status_.build = 0;
  status_.params.clear();
  status_.set.clear();
  ++status_.contained;
  options_.on_event({StrategyEvent::Kind::contained, culprit, "", what});
}

// Only a new process helps; the agent starts one and leaves out whom it may blame. [mutex_ held]
void StrategyService::note_taint(const std::string &culprit) {
  put_back_.reset();
  if (!status_.tainted)
    status_.tainted_by = culprit;
  status_.tainted = true;
}

// Puts the last good strategy back by an ordinary swap, once.
void StrategyService::put_back() {
  Wanted wanted;
  std::string problem;
  {
    const std::lock_guard lock(mutex_);
    // One at a time: joining a thread that waits for a hung call would hang the watchdog too.
    if (!put_back_ || ending_ || is_putting_back_)
      return;
    wanted = *std::exchange(put_back_, std::nullopt);
    problem = status_.problem;
    is_putting_back_ = true;
  }
  // On a thread of its own: should it hang, the watchdog must be free to see it.
  putting_back_ = std::jthread([this, wanted, problem] {
    use_again(wanted, problem);
    const std::lock_guard lock(mutex_);
    is_putting_back_ = false;
  });
}

void StrategyService::use_again(const Wanted &wanted, const std::string &problem) {
  try {
    const std::lock_guard one_at_a_time(swap_mutex_);
    std::string chosen;
    {
      const std::lock_guard lock(mutex_);
      if (ending_)
        return;
      chosen = status_.name;
    }
    if (!chosen.empty()) {
      spdlog::info("{} is not put back: {} was chosen meanwhile", wanted.name, chosen);
      return;
    }
    (void)use_now(wanted.name, wanted.params, false);
    const std::lock_guard lock(mutex_);
    if (status_.name == wanted.name) {
      status_.state = StrategyState::contained;
      status_.problem = fmt::format("{}; {} is in force again", problem, wanted.name);
    }
  } catch (const StrategyRefused &e) {
    spdlog::error("{} can't be put back: {}", wanted.name, e.what());
  }
}

} // namespace lab::host
