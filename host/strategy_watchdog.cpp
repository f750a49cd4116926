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
    else if (post->watch.in_call_for() > hung_after)
      post->watch.park_hung();
    put_back();
  }
}

void StrategyService::contain(std::shared_ptr<Post> post) {
  std::error_code ignored;
  const std::string what =
      post->watch.what(std::filesystem::weakly_canonical(options_.copies, ignored));
  post->thread.detach(); // parked for ever, with all that it holds
  post->governor.abandon();

  std::string culprit;
  {
    const std::lock_guard lock(post->mutex);
    if (post->current)
      culprit = post->current->culprit;
  }
  {
    const std::lock_guard lock(mutex_);
    if (culprit.empty())
      culprit = status_.name;
    note_fall(culprit, what);
    // Loading holds the loader's own lock: nothing can be loaded after that.
    const std::string_view call = post->watch.call();
    status_.tainted =
        status_.tainted || post->watch.damaged_memory() || call == "load" || call == "close";
    if (status_.tainted) {
      put_back_.reset();
      if (status_.tainted_by.empty())
        status_.tainted_by = culprit;
    }
  }
  spdlog::error("strategy {} {}; contained, its thread is parked", culprit, what);

  // Kept for ever: the parked thread stands on it.
  static std::vector<std::shared_ptr<Post>> parked;
  parked.push_back(post);
  auto next = open_post();
  {
    const std::lock_guard lock(mutex_);
    post_ = next;
  }
  // Only now: who finds it closed looks for the next one, which is there.
  std::deque<std::shared_ptr<Post::Pending>> broken;
  {
    const std::lock_guard lock(post->mutex);
    post->closed = true;
    broken.swap(post->orders);
    if (post->current)
      broken.push_front(post->current);
  }
  for (const auto &order : broken)
    order->answer.set_exception(std::make_exception_ptr(
        StrategyRefused(StrategyRefused::Kind::refused, culprit + " " + what)));
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

// Puts the last good strategy back by an ordinary swap, once.
void StrategyService::put_back() {
  std::optional<Wanted> wanted;
  {
    const std::lock_guard lock(mutex_);
    wanted = std::exchange(put_back_, std::nullopt);
  }
  if (!wanted)
    return;
  const std::string problem = status().problem;
  // On a thread of its own: should it hang, the watchdog must be free to see it.
  putting_back_ = std::jthread([this, wanted = *wanted, problem] {
    try {
      (void)use(wanted.name, wanted.params);
      const std::lock_guard lock(mutex_);
      if (status_.name == wanted.name) {
        status_.state = StrategyState::contained;
        status_.problem = fmt::format("{}; {} is in force again", problem, wanted.name);
      }
    } catch (const StrategyRefused &e) {
      spdlog::error("{} can't be put back: {}", wanted.name, e.what());
    }
  });
}

} // namespace lab::host
