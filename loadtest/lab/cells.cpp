#include "loadtest/lab/cells.hpp"

#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <stop_token>
#include <thread>

#include <fmt/format.h>

#include "loadtest/comparison.hpp"
#include "loadtest/figures.hpp"
#include "loadtest/lab/database.hpp"
#include "loadtest/lab/exit_status.hpp"
#include "loadtest/lab/faults/in_a_run.hpp"
#include "loadtest/lab/swap.hpp"
#include "loadtest/machine.hpp"

namespace lab::cli {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using std::chrono::steady_clock;

constexpr auto rest_limit = 15s;
constexpr auto host_back_limit = 5s; // the agent needs one second
constexpr auto look_again = 20ms;
constexpr auto around_a_cell = 2s;

// An ornament of the page: a run is worth no less without it.
void mark(const std::vector<HostApi> &hosts, const std::string &text) {
  try {
    for (const HostApi &host : hosts)
      host.mark(text);
  } catch (const std::exception &) {
    return;
  }
}

// Tells the page what begins: after the warm-up the measured time, and each of its stages. By
// a thread of its own: a host under load may take its time to answer, and who looks is the
// generator, whose requests must not wait for that.
class PhaseMarks {
public:
  PhaseMarks(const load::Profile &profile, const std::vector<HostApi> &hosts) : hosts_(hosts) {
    auto begins = profile.warm_up;
    const std::size_t stages = profile.stages.size();
    if (stages == 0 && begins > 0ms)
      phases_.push_back({begins, "measured from here"});
    for (std::size_t i = 0; i < stages; ++i) {
      const load::Stage &stage = profile.stages[i];
      std::string text = fmt::format("stage {} of {}", i + 1, stages);
      if (stage.rate)
        text += fmt::format(": {} a second", *stage.rate);
      if (stage.users)
        text += fmt::format(": {} users", *stage.users);
      phases_.push_back({begins, text});
      begins += stage.length;
    }
    if (stages > 0 && begins < profile.total())
      phases_.push_back(
          {begins, fmt::format("stages over: {}", profile.model == load::Model::open
                                                      ? fmt::format("{} a second", profile.rate)
                                                      : fmt::format("{} users", profile.users))});
    teller_ = std::jthread([this](const std::stop_token &stop) { tell(stop); });
  }

  void look(const load::Progress &now) {
    {
      const std::lock_guard lock(mutex_);
      while (begun_ < phases_.size() && now.elapsed >= phases_[begun_].begins)
        ++begun_;
    }
    wake_.notify_one();
  }

private:
  // Before it ends it tells what has begun.
  void tell(const std::stop_token &stop) {
    std::size_t told = 0;
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, stop, [&] { return told < begun_; });
      if (told == begun_)
        return;
      const std::string &text = phases_[told++].text;
      lock.unlock();
      mark(hosts_, text);
      lock.lock();
    }
  }

  struct Phase {
    std::chrono::milliseconds begins; // from the start of the load
    std::string text;
  };
  std::vector<Phase> phases_; // as made
  const std::vector<HostApi> &hosts_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::size_t begun_ = 0; // under the mutex
  std::jthread teller_;   // last: it uses the others
};

// A summary names one strategy.
void require_no_difference(const std::vector<HostApi> &hosts) {
  if (const std::string difference = difference_between(hosts); !difference.empty())
    throw SetUpFailed(difference);
}

// Nothing would be served.
void require_not_paused(const std::vector<HostApi> &hosts) {
  for (const HostApi &host : hosts)
    if (host.pool().at("paused").get<bool>())
      throw SetUpFailed(fmt::format("the pool of {} is paused: scripts/lab resume", host.url()));
}

std::string progress_line(const std::string &label, const load::Progress &p) {
  const char *phase = p.phase == load::Progress::Phase::warm_up     ? "warming up"
                      : p.phase == load::Progress::Phase::measuring ? "measuring"
                                                                    : "last answers";
  return fmt::format("{}: {} {:.0f}/{:.0f} s, {} ok, {} failed", label, phase,
                     std::chrono::duration<double>(p.elapsed).count(),
                     std::chrono::duration<double>(p.total).count(), p.ok, p.failed);
}

} // namespace

std::chrono::seconds estimated_time(const std::vector<Cell> &cells) {
  std::chrono::milliseconds all{0};
  for (const Cell &cell : cells)
    all += cell.profile.total() + around_a_cell;
  return std::chrono::ceil<std::chrono::seconds>(all);
}

CellRunner::CellRunner(const Places &places, const std::string &command, Terminal &terminal,
                       const Interrupt &interrupt)
    : places_(places), terminal_(terminal), interrupt_(interrupt),
      lock_(LoadLock::take(places.load_lock(), command)),
      facts_({{"postgres", load::postgres_facts(database_in_use(places, running_lab(places).user)
                                                    ->conninfo_admin("pool_lab facts"))}}) {}

CellRunner::~CellRunner() {
  try {
    const Running lab = lab_again();
    if (swapped_) // `in_use` is nobody's to change meanwhile but the user's: by `use`, or by a save
      swap_to(places_, lab.all_hosts(), StateFile(places_.state()).read().in_use,
              HostApi::Instance::fresh);
    database_in_use(places_, lab.user)->reset();
  } catch (const std::exception &e) {
    terminal_.say(fmt::format("lab: not left as it was: {}", e.what()));
  }
}

load::RunResult CellRunner::run(const Cell &cell, std::uint64_t seed, const std::string &label) {
  for (int attempt = 1;; ++attempt) {
    load::RunResult result = run_once(cell, seed, label);
    interrupt_.check();
    if (result.summary.value("verdict", "") != "invalid" || attempt == 2)
      return result;
    terminal_.say(fmt::format("{} {}: {} Once more.", load::verdict_sign(result.summary), label,
                              result.summary.value("why", "")));
  }
}

load::RunResult CellRunner::run_once(const Cell &cell, std::uint64_t seed,
                                     const std::string &label) {
  interrupt_.check();
  terminal_.begin_step();
  terminal_.progress(
      fmt::format("{}: preparing, then {} s", label,
                  std::chrono::ceil<std::chrono::seconds>(cell.profile.total()).count()));
  const FaultKind *const trouble = trouble_of(places_, cell.profile);
  const Running lab = lab_again();
  const std::vector<HostApi> hosts = lab.all_hosts();
  const auto database = database_in_use(places_, lab.user);
  require_not_paused(hosts);
  wait_for_rest(hosts);
  if (cell.strategy) {
    swapped_ = true;
    swap_to(places_, hosts, *cell.strategy, HostApi::Instance::fresh);
  } else {
    require_no_difference(hosts);
  }
  database->reset(db::LabDatabase::Checkpoint::yes);
  wait_for_rest(hosts);
  interrupt_.check();

  load::Target target;
  target.ports.clear();
  for (const RunningHost &host : lab.hosts) {
    target.ports.push_back(host.port);
    target.host_pids.push_back(host.pid);
  }
  target.neighbour_conninfo = database->conninfo_neighbour();
  target.postgres_pid = database->pid().value_or(0);
  target.facts = facts_;
  target.fault = cell.fault;
  std::optional<FaultPlace> place;
  if (trouble && !target.fault) {
    place.emplace(places_, trouble->name);
    target.fault = fault_of_profile(places_, cell.profile, *trouble, *place);
  }
  mark(hosts, "load: " + cell.profile.name);
  load::RunResult result = [&] {
    PhaseMarks phases(cell.profile, hosts);
    return load::run_load(
        cell.profile, target, seed,
        [&](const load::Progress &p) {
          phases.look(p);
          terminal_.progress(progress_line(label, p));
        },
        interrupt_.token());
  }();
  mark(hosts, "load ends");
  return result;
}

// A host that a strategy ended is back soon, as another process.
Running CellRunner::lab_again() const {
  const auto deadline = steady_clock::now() + host_back_limit;
  for (;;) {
    try {
      const Running lab = running_lab(places_);
      for (const HostApi &host : lab.all_hosts())
        (void)host.strategy();
      return lab;
    } catch (const std::exception &) {
      if (steady_clock::now() > deadline)
        throw;
    }
    std::this_thread::sleep_for(look_again);
  }
}

// Nobody waits or holds, and the connections of an earlier plan are gone.
void CellRunner::wait_for_rest(const std::vector<HostApi> &hosts) const {
  const auto deadline = steady_clock::now() + rest_limit;
  for (auto host = hosts.begin(); host != hosts.end();) {
    const json pool = host->pool();
    const int open = pool.at("open"), in_use = pool.at("in_use"), waiting = pool.at("waiting"),
              connecting = pool.at("connecting"), most = pool.at("plan").at("max_open");
    if (in_use == 0 && waiting == 0 && connecting == 0 && open <= most) {
      ++host;
      continue;
    }
    if (steady_clock::now() > deadline)
      throw SetUpFailed(
          fmt::format("the pool does not come to rest ({} open, {} in use, {} waiting, "
                      "{} connecting): does something else use {}?",
                      open, in_use, waiting, connecting, host->url()));
    interrupt_.check();
    std::this_thread::sleep_for(look_again);
  }
}

std::string result_line(const json &summary) {
  using load::shown;
  std::string failed = "none failed";
  if (load::number_at(summary, "failed_percent") > 0)
    failed = fmt::format("{} % failed, mostly {}", shown(load::at(summary, "failed_percent")),
                         load::at(summary, "failed_main.code").get<std::string>());
  if (load::number_at(summary, "cut_off") > 0)
    failed += fmt::format(", {} still open at the end", shown(load::at(summary, "cut_off")));
  const json p99 = load::at(summary, "latency_ms.p99");
  return fmt::format("{:<9} {} on {}: {} ok a second{}, {}", load::verdict_sign(summary),
                     summary.value("strategy", "?"), summary.value("profile", "?"),
                     shown(load::at(summary, "rate.ok")),
                     p99.is_number() ? fmt::format(", p99 {} ms", shown(p99)) : "", failed);
}

} // namespace lab::cli
