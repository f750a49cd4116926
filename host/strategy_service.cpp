#include "host/strategy_service.hpp"

#include <algorithm>
#include <chrono>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace lab::host {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A call that takes longer than this by the wall clock hangs.
constexpr auto hung_after = seconds(1);
// Processor time that a look may take; more, `slow_looks` times running, and it goes.
constexpr auto slow_look = milliseconds(5);
constexpr int slow_looks = 3;
constexpr int failed_looks = 3;

// How often a share is asked for: as often as the server is.
constexpr auto look_at_share = milliseconds(500);

} // namespace

const char *name_of(StrategyState state) {
  switch (state) {
  case StrategyState::ok:
    return "ok";
  case StrategyState::builtin:
    return "builtin";
  case StrategyState::contained:
    return "contained";
  }
  return "builtin";
}

// One governor thread and what it is told. Outlives the thread's parking.
struct StrategyService::Post {
  struct Pending {
    Order order;
    std::string culprit; // whose code the order runs
    std::promise<SwapResult> answer;
  };

  explicit Post(std::uint64_t seed) : governor(seed, watch) {}

  CallWatch watch;
  pool::Governor governor; // [governor]
  int slow = 0;            // [governor] looks running
  int failed = 0;          // [governor]
  pool::Time next_look{};  // [governor]
  pool::Time last_look{};  // [governor]
  pool::Plan plan;         // [governor] in force

  std::mutex mutex; // guards the rest; the pool's lock may be held when it is taken
  std::condition_variable wake;
  bool stop = false;
  bool asked = false;
  std::deque<std::shared_ptr<Pending>> orders;
  std::shared_ptr<Pending> current;

  std::thread thread;
};

StrategyService::StrategyService(const Clock &clock, LivePool &pool, Options options,
                                 ServerNumbers server)
    : clock_(clock), pool_(pool), options_(std::move(options)), server_(std::move(server)),
      catalogue_(options_.folders, options_.verifier), settings_(options_.settings) {
  std::error_code ignored; // what can't be removed is in nobody's way: names are fresh
  for (const auto &old : std::filesystem::directory_iterator(options_.copies, ignored))
    std::filesystem::remove(old.path(), ignored);
  post_ = open_post();
  watchdog_ = std::jthread([this](std::stop_token stop) { watch(stop); });
}

StrategyService::~StrategyService() {
  if (putting_back_.joinable())
    putting_back_.join(); // while the watchdog can still end it
  watchdog_.request_stop();
  wake_watchdog();
  watchdog_.join();
  close_post(*post_);
}

// ---- orders ------------------------------------------------------------------

SwapResult StrategyService::use(const std::string &name, const pool::ParamValues &params,
                                bool fresh) {
  const std::lock_guard one_at_a_time(swap_mutex_);
  if (!plugin::valid_name(name))
    throw StrategyRefused(
        StrategyRefused::Kind::bad_name,
        "a strategy's name is its file's stem: small letters, digits and _, no path");
  const auto found = catalogue_.find(name);
  if (!found)
    throw StrategyRefused(StrategyRefused::Kind::unknown, "there is no strategy called " + name);

  const std::uint64_t content = StrategyCatalogue::fingerprint(found->path);
  bool same = false;
  {
    const std::lock_guard lock(mutex_);
    same = status_.name == name && content_ == content;
  }
  if (same && !fresh)
    return set_params(params);
  return swap(*found, params);
}

SwapResult StrategyService::set_params(const pool::ParamValues &params) {
  const pool::Time begun = clock_.now();
  const std::string name = status().name;
  SwapResult result = give_order(name, [this, params, name](Post &post) {
    if (const auto problem = post.governor.set(params))
      throw StrategyRefused(StrategyRefused::Kind::bad_params, *problem);
    look(post, After::new_settings);
    SwapResult done;
    done.from = done.to = name;
    done.params = values_in_force(post);
    return done;
  });
  result.took = clock_.now() - begun;
  const std::lock_guard lock(mutex_);
  status_.params = result.params;
  status_.set = over(status_.set, params);
  options_.on_event({StrategyEvent::Kind::params, name, "", "", result.params});
  return result;
}

void StrategyService::change_settings(const StrategySettings &settings, bool keep_set) {
  const std::lock_guard one_at_a_time(swap_mutex_);
  check_settings(settings);
  const StrategyStatus now = status();
  const pool::ParamValues set = keep_set ? now.set : pool::ParamValues{};
  SwapResult result;
  if (!now.name.empty()) {
    const auto table = settings.find(now.name);
    result = give_order(now.name, [&](Post &post) {
      SwapResult done;
      done.params = values_in_force(post);
      const auto &params = post.governor.strategy()->library->params();
      pool::ParamValues wanted;
      for (const plugin::Param &param : params)
        wanted.emplace_back(param.name, param.default_value);
      if (table != settings.end())
        wanted = over(wanted, fitting(table->second, params));
      wanted = over(wanted, set);
      // Only what changes is set: a strategy may begin anew when it is.
      std::erase_if(wanted, [&](const auto &value) {
        return std::find(done.params.begin(), done.params.end(), value) != done.params.end();
      });
      if (wanted.empty())
        return done;
      if (const auto problem = post.governor.set(wanted)) {
        (void)post.governor.set(done.params); // it may have taken some of them
        throw StrategyRefused(StrategyRefused::Kind::bad_params, *problem);
      }
      look(post, After::new_settings);
      done.params = values_in_force(post);
      return done;
    });
  }
  const std::lock_guard lock(mutex_);
  settings_ = settings;
  if (status_.name != now.name)
    return; // it fell meanwhile
  status_.params = result.params;
  status_.set = set;
  options_.on_event({StrategyEvent::Kind::params, now.name, "", "", result.params});
}

// A strategy that can't be used tells no parameters: its table waits for it.
void StrategyService::check_settings(const StrategySettings &settings) {
  for (const auto &[name, table] : settings) {
    if (!plugin::valid_name(name))
      throw StrategyRefused(StrategyRefused::Kind::bad_name,
                            "a table is called after a strategy: small letters, digits and _");
    const auto found = catalogue_.find(name);
    if (!found)
      throw StrategyRefused(StrategyRefused::Kind::unknown, "there is no strategy called " + name);
    const plugin::Verdict verdict =
        catalogue_.verdict_on(found->path, StrategyCatalogue::fingerprint(found->path));
    if (!verdict.ok)
      continue;
    if (const auto problem = problem_with(table, verdict.params))
      throw StrategyRefused(StrategyRefused::Kind::bad_params, name + ": " + *problem);
  }
}

pool::ParamValues StrategyService::settings_of(const std::string &name) const {
  const std::lock_guard lock(mutex_);
  const auto table = settings_.find(name);
  return table == settings_.end() ? pool::ParamValues{} : table->second;
}

SwapResult StrategyService::swap(const plugin::Found &found, const pool::ParamValues &params) {
  using Kind = StrategyRefused::Kind;
  const pool::Time begun = clock_.now();
  std::uint64_t generation = 0;
  {
    const std::lock_guard lock(mutex_);
    generation = ++last_generation_;
  }

  std::filesystem::path copy;
  try {
    copy = plugin::copy_under_fresh_name(found.path, options_.copies, found.name, generation);
  } catch (const std::runtime_error &e) {
    throw StrategyRefused(Kind::refused, e.what());
  }
  const std::uint64_t content = StrategyCatalogue::fingerprint(copy);
  const auto give_up = [&](Kind kind, const std::string &why) {
    std::error_code ignored;
    std::filesystem::remove(copy, ignored);
    throw StrategyRefused(kind, why);
  };
  pool::ParamValues values = settings_of(found.name);
  if (options_.verify) {
    const plugin::Verdict verdict = catalogue_.verdict_on(copy, content);
    if (!verdict.ok)
      give_up(Kind::refused, verdict.what);
    for (const auto &[name, value] : params) {
      const auto index = plugin::index_of(verdict.params, name);
      if (!index)
        give_up(Kind::bad_params, plugin::no_such_setting(found.name, name, verdict.params));
      if (const auto problem = plugin::problem_with(verdict.params[*index], value))
        give_up(Kind::bad_params, *problem);
    }
    values = fitting(values, verdict.params);
  }
  values = over(values, params);

  SwapResult result;
  try {
    result = give_order(found.name, [&](Post &post) {
      SwapResult done;
      std::optional<pool::Strategy> old;
      try {
        pool::Adopted adopted =
            post.governor.adopt(post.governor.load(found.name, generation, copy, values));
        old = std::move(adopted.old);
        done.state = std::move(adopted.state);
      } catch (const plugin::Unusable &e) {
        throw StrategyRefused(e.check == "params" ? Kind::bad_params : Kind::refused, e.what());
      }
      look(post, After::new_strategy);
      note_in_force(post, content, params);
      done.to = found.name;
      done.swapped = true;
      if (old) {
        done.from = old->name;
        {
          // From here on it is the old one's code that runs.
          const std::lock_guard lock(post.mutex);
          post.current->culprit = done.from;
        }
        const std::filesystem::path old_copy = old->copy;
        const plugin::Closed closed = post.governor.retire(std::move(*old));
        done.unmapped = closed.unmapped;
        if (!closed.unmapped)
          spdlog::warn("{} stays mapped: {}", done.from, closed.problem);
        std::error_code ignored;
        std::filesystem::remove(old_copy, ignored);
      }
      done.params = values_in_force(post);
      return done;
    });
  } catch (const StrategyRefused &e) {
    give_up(e.kind, e.what());
  }

  result.took = clock_.now() - begun;
  spdlog::info("strategy {} -> {} in {:.1f} ms", result.from.empty() ? "(built in)" : result.from,
               result.to, std::chrono::duration<double, std::milli>(result.took).count());
  return result;
}

SwapResult StrategyService::give_order(const std::string &culprit, Order order) {
  auto pending = std::make_shared<Post::Pending>();
  pending->order = std::move(order);
  pending->culprit = culprit;
  std::future<SwapResult> answer = pending->answer.get_future();
  std::shared_ptr<Post> post;
  {
    const std::lock_guard lock(mutex_);
    post = post_;
  }
  {
    const std::lock_guard lock(post->mutex);
    post->orders.push_back(pending);
  }
  post->wake.notify_one();
  return answer.get(); // kept by the governor, or broken by the watchdog
}

// ---- the governor's thread ---------------------------------------------------

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
  if (auto last = post.governor.go_builtin())
    (void)post.governor.retire(std::move(*last));
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
  if (fresh) // nothing that happened under another strategy
    seen = pool_.observe();
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
  for (const pool::WaitingRequest &waiting : pool_.take_asks())
    pool_.admitted(waiting.request, post.governor.admit(waiting.shown));
}

// Noted by the governor itself, so that a fault in the very next look finds the
// right one to blame. Nothing, when the strategy was expelled at its first look.
void StrategyService::note_in_force(const Post &post, std::uint64_t content,
                                    const pool::ParamValues &set) {
  const pool::Strategy *strategy = post.governor.strategy();
  if (strategy == nullptr)
    return;
  const std::lock_guard lock(mutex_);
  const std::string from = status_.name;
  if (!status_.name.empty() && status_.name != strategy->name)
    last_good_ = Wanted{status_.name, status_.set};
  content_ = content;
  status_.name = strategy->name;
  status_.state = StrategyState::ok;
  status_.problem.clear();
  status_.generation = strategy->generation;
  status_.params = strategy->values;
  status_.set = set;
  ++status_.swaps;
  options_.on_event({StrategyEvent::Kind::swapped, strategy->name, from, "", strategy->values,
                     strategy->generation});
}

// Throws when the strategy was expelled at its first look.
pool::ParamValues StrategyService::values_in_force(const Post &post) const {
  if (const pool::Strategy *strategy = post.governor.strategy())
    return strategy->values;
  throw StrategyRefused(StrategyRefused::Kind::refused, status().problem);
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
    old->instance->abandon();
    old->library->quarantine();
  }
  post.slow = post.failed = 0;
  {
    const std::lock_guard lock(mutex_);
    note_fall(name, why);
  }
  spdlog::error("strategy {} {}", name, why);
  look(post, After::new_strategy);
  wake_watchdog();
}

// ---- the watchdog ------------------------------------------------------------

void StrategyService::watch(std::stop_token stop) {
  while (!stop.stop_requested()) {
    wait_for_parking(milliseconds(50));
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

  std::deque<std::shared_ptr<Post::Pending>> broken;
  std::string culprit;
  {
    const std::lock_guard lock(post->mutex);
    broken.swap(post->orders);
    if (post->current) {
      culprit = post->current->culprit;
      broken.push_front(post->current);
    }
  }
  {
    const std::lock_guard lock(mutex_);
    if (culprit.empty())
      culprit = status_.name;
    note_fall(culprit, what);
    // Loading holds the loader's own lock: nothing can be loaded after that.
    status_.tainted = status_.tainted || post->watch.damaged_memory() ||
                      what.find(" in load") != std::string::npos ||
                      what.find(" in close") != std::string::npos;
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
  status_.params.clear();
  status_.set.clear();
  content_ = 0;
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

// ---- what others see ---------------------------------------------------------

StrategyStatus StrategyService::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

void StrategyService::note_problem(const std::string &problem) {
  spdlog::error("{}", problem);
  const std::lock_guard lock(mutex_);
  status_.problem = problem;
}

StrategySettings StrategyService::settings() const {
  const std::lock_guard lock(mutex_);
  return settings_;
}

void StrategyService::note_settings_problem(const std::string &problem) {
  if (!problem.empty())
    spdlog::warn("the settings file: {}", problem);
  const std::lock_guard lock(mutex_);
  status_.settings_problem = problem;
}

} // namespace lab::host
