#include "loadtest/lab/supervisor.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include "loadtest/lab/hand_over.hpp"
#include "loadtest/lab/host_api.hpp"
#include "loadtest/lab/load_lock.hpp"

namespace lab::cli {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using std::chrono::system_clock;

// How often the host is asked what it runs: to know it when it ends.
constexpr auto look_every = 1s;

// How often my/settings.toml is: two looks must see it the same, and what was
// saved is to be in force before the learner has switched windows.
constexpr auto settings_every = 100ms;

constexpr std::size_t events_kept = 20;

std::string clock_time() {
  return fmt::format("{:%H:%M:%S}", fmt::localtime(system_clock::to_time_t(system_clock::now())));
}

std::string shown(const Choice &choice) {
  return choice.name.empty() ? "the plan that is compiled in" : choice.name;
}

// What to start when `wanted` may be refused, or is to be avoided.
Choice allowed(const State &state, const Choice &wanted, bool safe) {
  if (!safe && !state.refused.contains(wanted.name))
    return wanted;
  if (!state.refused.contains(safe_strategy))
    return {safe_strategy};
  return {};
}

// Whether what runs is what was written down: some settings may have been left to the strategy.
bool is_of(const Choice &running, const std::optional<Choice> &written) {
  return written && written->name == running.name &&
         std::all_of(written->params.begin(), written->params.end(), [&](const auto &param) {
           const auto same = running.params.find(param.first);
           return same != running.params.end() && same->second == param.second;
         });
}

} // namespace

Supervisor::Supervisor(Places places, db::LabUser user, int number)
    : places_(std::move(places)), user_(std::move(user)), number_(number), name_(host_name(number)),
      state_(places_.state()), settings_(std::in_place, places_, number),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (wake_ < 0)
    throw std::runtime_error(fmt::format("no eventfd: {}", std::strerror(errno)));
  thread_ = std::thread([this] { run(); });
}

Supervisor::~Supervisor() {
  {
    const std::lock_guard lock(mutex_);
    quit_ = true;
  }
  wake();
  thread_.join();
  ::close(wake_);
}

Supervisor::Report Supervisor::report() const {
  const std::lock_guard lock(mutex_);
  return report_;
}

std::future<void> Supervisor::restart_host() {
  return give([this] {
    if (host_)
      host_->stop();
    host_.reset();
    rule_.begin_anew();
    start_as_remembered();
  });
}

std::future<void> Supervisor::stop_host() {
  return give([this] {
    if (host_)
      host_->stop();
    host_.reset();
    start_at_.reset();
    const std::lock_guard lock(mutex_);
    report_.host = HostIs::down;
    report_.process = {};
  });
}

std::future<void> Supervisor::take_settings() {
  return give([this] {
    if (host_)
      look_at_settings(true);
  });
}

std::future<void> Supervisor::give(Order order) {
  std::packaged_task<void()> task(std::move(order));
  auto done = task.get_future();
  {
    const std::lock_guard lock(mutex_);
    orders_.push_back(std::move(task));
  }
  wake();
  return done;
}

void Supervisor::wake() {
  const std::uint64_t one = 1;
  (void)!::write(wake_, &one, sizeof one);
}

void Supervisor::note(const std::string &event) {
  spdlog::info("{}", event);
  const std::lock_guard lock(mutex_);
  report_.events.push_back({system_clock::now(), clock_time() + " " + event});
  if (report_.events.size() > events_kept)
    report_.events.erase(report_.events.begin());
}

void Supervisor::run() {
  begin();
  Time next_look = steady_clock::now() + look_every;
  for (Time next_settings = steady_clock::now();;) {
    std::optional<std::packaged_task<void()>> order;
    {
      const std::lock_guard lock(mutex_);
      if (quit_)
        return;
      if (!orders_.empty()) {
        order = std::move(orders_.front());
        orders_.pop_front();
      }
    }
    try {
      if (order)
        (*order)();
      if (host_)
        if (const auto end = host_->ended())
          host_ended(*end, known_state().running(number_, system_clock::now()));
      if (start_at_ && steady_clock::now() >= *start_at_)
        start(std::exchange(start_with_, {}));
      if (steady_clock::now() >= next_look) {
        next_look = steady_clock::now() + look_every;
        observe();
      }
      if (steady_clock::now() >= next_settings) {
        next_settings = steady_clock::now() + settings_every;
        if (host_)
          look_at_settings(false);
      }
    } catch (const std::exception &e) {
      // Whatever it is (a full disk, a damaged state file): the host comes first.
      spdlog::error("{}", e.what());
    }
    const Time next = std::min(next_look, next_settings);
    wait_until(start_at_ ? std::min(next, *start_at_) : next);
  }
}

void Supervisor::begin() {
  try {
    hand_over_strategies(places_);
    if (const auto found = recorded_host(places_, number_)) {
      host_ = HostProcess::adopt(places_, number_, *found);
      note(fmt::format("found {} (process {}) on port {}", name_, found->process.pid, found->port));
      look_at_settings(true);
      const std::lock_guard lock(mutex_);
      report_.host = HostIs::serving;
      report_.process = found->process;
      report_.port = found->port;
      return;
    }
    start_as_remembered();
  } catch (const std::exception &e) {
    spdlog::error("{}", e.what());
    const std::lock_guard lock(mutex_);
    report_.host = HostIs::down;
    report_.problem = e.what();
  }
}

// A damaged file must not keep the host from running: then as it was read last.
const State &Supervisor::known_state() {
  try {
    known_state_ = state_.read();
  } catch (const std::exception &e) {
    spdlog::error("{}", e.what());
  }
  return known_state_;
}

void Supervisor::start_as_remembered() {
  const State state = state_.read();
  if (number_ >= state.hosts) {
    start_at_.reset();
    settings_.emplace(places_, number_); // what is saved until there is one again, it starts with
    const std::lock_guard lock(mutex_);
    report_.host = HostIs::absent;
    report_.process = {};
    report_.problem.clear();
    report_.settings_problem.clear();
    return;
  }
  start(allowed(state, state.in_use, false));
}

void Supervisor::start(const Choice &choice) {
  start_at_.reset();
  {
    const std::lock_guard lock(mutex_);
    report_.host = HostIs::starting;
  }
  const State state = known_state();
  try {
    host_ = HostProcess::start(places_, number_, user_, state, choice);
  } catch (const HostProcess::NotStarted &e) {
    host_ended(e.end, choice);
    return;
  }
  seen_.clear();
  look_at_settings(true);
  try {
    state_.change([&](State &s) {
      s.loaded.at(static_cast<std::size_t>(number_)) = choice;
      if (s.trying && s.trying->host == number_)
        s.trying.reset();
    });
  } catch (const std::exception &e) { // it serves all the same
    spdlog::error("{}", e.what());
  }
  note(fmt::format("{} (process {}) serves on port {}, on {}", name_, host_->id().pid,
                   host_->port(), shown(choice)));
  const std::lock_guard lock(mutex_);
  report_.host = HostIs::serving;
  report_.process = host_->id();
  report_.port = host_->port();
  report_.problem.clear();
}

void Supervisor::host_ended(const HostProcess::End &end, const Choice &ran) {
  host_.reset();
  const State before = known_state();
  const std::string blamed = end.blamed.empty() ? ran.name : end.blamed;
  const NextStart next = rule_.after({end.how, end.lived, blamed != ran.name});
  std::string event = fmt::format("{} {} while it ran {}", name_, end.text, shown(ran));
  if (end.how == HostEnd::How::at_the_start)
    event = fmt::format("{} could not be started: {}", name_, end.text);
  State state = before;
  // The safe one is what is left, and it was there when another one's damage showed.
  if (next.refuse && !blamed.empty() && blamed != safe_strategy) {
    event += fmt::format("; {} is refused until it is used by name", blamed);
    const auto refuse = [&](State &s) {
      s.refused[blamed] = fmt::format("{} {} at {}", name_, end.text, clock_time());
      if (s.trying && s.trying->host == number_)
        s.trying.reset();
    };
    try {
      state = state_.change(refuse);
    } catch (const std::exception &e) { // a full disk: then until this agent ends
      spdlog::error("{}", e.what());
      refuse(state);
    }
  }
  note(event);
  start_with_ = allowed(state, ran.name.empty() ? state.in_use : ran, next.safe);
  start_at_ = steady_clock::now() + next.pause;
  const std::lock_guard lock(mutex_);
  report_.host = HostIs::down;
  report_.process = {};
  report_.problem = event;
}

// What the host runs may be changed by others than the program `lab`: whoever
// calls its API. Inside a comparison it is no one's choice, so not remembered.
void Supervisor::observe() {
  if (number_ == 0)
    hand_over_strategies(places_);
  if (!host_)
    return;
  const State state = state_.read();
  const Choice &before = state.in_use;
  const auto number = static_cast<std::size_t>(number_);
  const HostApi api(host_->port());
  try {
    auto strategy = api.strategy();
    if (strategy.at("state") != "ok")
      return;
    strategy.erase("explain"); // that it says something else is no change
    if (strategy.dump() != seen_) {
      const Choice choice = api.choice();
      seen_ = strategy.dump();
      // The program `lab` writes down what it swaps to, and what is used besides: a comparison that
      // is killed leaves no choice behind.
      const bool of_lab =
          state.swap_under_way(system_clock::now()) || is_of(choice, state.loaded.at(number));
      seen_choice_ = of_lab ? std::nullopt : std::optional(choice);
      state_.change([&](State &s) { s.loaded.at(number) = choice; });
    }
  } catch (const std::exception &e) {
    spdlog::debug("{} was asked what it runs: {}", name_, e.what());
    return;
  }
  if (number_ != 0 || !seen_choice_ || LoadLock::owner(places_.load_lock()))
    return;
  const Choice choice = *std::exchange(seen_choice_, std::nullopt);
  state_.change([&](State &s) {
    // The program `lab` is about to write down what comes of it, or has just done so
    // while the host was being asked.
    if (s.swap_under_way(system_clock::now()) || s.in_use != before)
      return;
    // The first host may run what a second one was ended by: no one used that anew.
    if (s.in_use.name != choice.name)
      s.refused.erase(choice.name);
    s.in_use = choice;
  });
}

void Supervisor::look_at_settings(bool at_once) {
  const HostApi api(host_->port());
  if (at_once)
    settings_->look_at_once(api);
  else
    settings_->look(api);
  const std::lock_guard lock(mutex_);
  report_.settings_problem = settings_->problem();
}

void Supervisor::wait_until(Time moment) {
  {
    const std::lock_guard lock(mutex_);
    if (quit_ || !orders_.empty())
      return;
  }
  pollfd watched[2] = {{wake_, POLLIN, 0}, {host_ ? host_->descriptor() : -1, POLLIN, 0}};
  auto limit = std::chrono::ceil<std::chrono::milliseconds>(moment - steady_clock::now());
  if (host_ && host_->descriptor() < 0)
    limit = std::min(limit, 50ms);
  ::poll(watched, 2, static_cast<int>(std::max<std::int64_t>(limit.count(), 0)));
  std::uint64_t calls = 0;
  (void)!::read(wake_, &calls, sizeof calls);
}

} // namespace lab::cli
