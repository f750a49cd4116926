#include "plugins/verifier/trial.hpp"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include <link.h>
#include <sys/resource.h>

#include <fmt/core.h>

#include "plugins/loader/library.hpp"
#include "plugins/verifier/elf_file.hpp"
#include "plugins/verifier/footprint.hpp"
#include "plugins/verifier/imports.hpp"
#include "plugins/verifier/last_words.hpp"
#include "plugins/verifier/plan_check.hpp"
#include "plugins/verifier/spoken.hpp"
#include "plugins/verifier/storm.hpp"

namespace lab::plugin {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

// One call may take this much of the processor. The governor looks up to a
// thousand times a second, and 10 ms a call is already ten governors.
constexpr milliseconds call_budget{10};
// How old the reading of what was used before a call may be: to ask the system before and after
// each of a thousand calls would take longer than the calls.
constexpr milliseconds reading_stays_good{1};
// A single slow call is the machine's fault as often as the author's.
constexpr int slow_calls_allowed = 2;

// What the C++ library keeps for itself at the first use of a part of it is less.
constexpr std::size_t kept_memory_allowed = std::size_t{256} * 1024;

nanoseconds clock_now(clockid_t clock) {
  timespec t{};
  ::clock_gettime(clock, &t);
  return std::chrono::seconds(t.tv_sec) + nanoseconds(t.tv_nsec);
}

// What this thread has used so far.
struct Used {
  nanoseconds wall{}, processor{};
  long waits = 0; // gave the processor up by itself

  static Used now() {
    rusage used{};
    ::getrusage(RUSAGE_THREAD, &used);
    return {clock_now(CLOCK_MONOTONIC), clock_now(CLOCK_THREAD_CPUTIME_ID), used.ru_nvcsw};
  }
};

// Tells where the trial is, and how long each call took.
class Steps {
public:
  explicit Steps(Channel &channel) : channel_(channel) {}

  void at(const std::string &where) {
    where_ = where;
    channel_.at(where);
  }

  // Runs one call into the library, at a place told before, and refuses when it
  // fails or when calls are slow for the third time.
  void call(const char *check, const std::string &where, const std::function<CallResult()> &body) {
    at(where);
    const nanoseconds begun = clock_now(CLOCK_MONOTONIC);
    if (begun - before_.wall > reading_stays_good)
      before_ = Used::now();
    const CallResult failure = body();
    const nanoseconds wall_used = clock_now(CLOCK_MONOTONIC) - begun;
    if (failure)
      throw Refusal(check, fmt::format("{}: {}", where, failure->text));
    if (wall_used > call_budget)
      it_took_long(where, wall_used);
  }

  const std::string &where() const { return where_; }

private:
  void it_took_long(const std::string &where, nanoseconds wall_used) {
    const Used after = Used::now();
    const nanoseconds cpu_used = std::min(wall_used, after.processor - before_.processor);
    if (cpu_used > call_budget && ++slow_ > slow_calls_allowed)
      throw Refusal("slow",
                    fmt::format("{} took {} ms of the processor, and {} calls before it were "
                                "slow too: a call must stay far below {} ms",
                                where, duration_cast<milliseconds>(cpu_used).count(), slow_ - 1,
                                call_budget.count()));
    // Time that passed without the processor, in a thread that gave it up
    // itself, is a sleep, a lock or a file.
    if (wall_used - cpu_used > call_budget && after.waits > before_.waits &&
        ++waits_ > slow_calls_allowed)
      throw Refusal("slow",
                    fmt::format("{} waited for {} ms, and {} calls before it did too: a "
                                "strategy must never sleep, lock, or read files",
                                where, duration_cast<milliseconds>(wall_used).count(), waits_ - 1));
  }

  Channel &channel_;
  std::string where_;
  Used before_; // a call, by at most `reading_stays_good`
  int slow_ = 0;
  int waits_ = 0;
};

// One instance, and the plan that it asked for last.
class Driven {
public:
  Driven(Library &library, Steps &steps) : steps_(steps) {
    steps_.call("create", "in create", [&]() -> CallResult {
      instance_.emplace(library);
      return std::nullopt;
    });
  }

  const pl_plan &look(const Moment &moment, std::size_t number, const std::string &setting = "") {
    const std::string where = fmt::format("in look, call {} ({}{})", number, moment.scene, setting);
    pl_plan plan = default_plan();
    steps_.call("look", where, [&] { return instance_->look(moment.seen, plan); });
    if (const auto problem = problem_with(plan))
      throw Refusal("plan", fmt::format("{}: the plan's {}", where, *problem));
    return plan_ = plan;
  }

  // True: it was refused.
  bool admit(const Storm &storm, const char *scene, std::size_t number) {
    const std::string where = fmt::format("in admit, call {} ({})", number, scene);
    pl_verdict verdict{};
    steps_.call("admit", where, [&] { return instance_->admit(storm.ask(number % 10), verdict); });
    if (const auto problem = problem_with(verdict))
      throw Refusal("admit", fmt::format("{}: the verdict's {}", where, *problem));
    return verdict.kind == PL_REFUSE;
  }

  void explain(std::size_t number) {
    std::string why;
    steps_.call("explain", fmt::format("in explain, after look {}", number),
                [&] { return instance_->explain(why); });
  }

  // Returns why not, when it was refused in good order.
  std::optional<std::string> set(std::uint32_t param, const std::string &name, double value) {
    return refusable("set", fmt::format("in set, {} = {}", name, value),
                     [&] { return instance_->set(param, value); });
  }

  std::vector<std::byte> save() {
    std::vector<std::byte> bytes;
    steps_.call("save", "in save", [&] { return instance_->save(bytes); });
    return bytes;
  }

  std::optional<std::string> restore(const std::vector<std::byte> &bytes, const char *what) {
    return refusable("restore", fmt::format("in restore, of {}", what),
                     [&] { return instance_->restore(bytes); });
  }

  void destroy() {
    steps_.call("destroy", "in destroy", [&] { return instance_->destroy(); });
  }

  const pl_plan &plan() const { return plan_; }

private:
  // A call whose failure is an answer too, unless it threw.
  template <class Call>
  std::optional<std::string> refusable(const char *check, const std::string &where, Call call) {
    std::optional<std::string> refused;
    steps_.call(check, where, [&]() -> CallResult {
      CallResult failure = call();
      if (!failure || failure->threw)
        return failure;
      refused = failure->text;
      return std::nullopt;
    });
    return refused;
  }

  Steps &steps_;
  std::optional<Instance> instance_;
  pl_plan plan_ = default_plan();
};

bool same_plan(const pl_plan &a, const pl_plan &b) {
  const auto fields = [](const pl_plan &p) {
    return std::make_tuple(p.max_in_use, p.max_open, p.min_idle, p.max_connecting, p.max_waiting,
                           p.order, p.look_when_waiting, p.wait_timeout, p.idle_timeout,
                           p.max_lifetime, p.next_look);
  };
  return fields(a) == fields(b);
}

// The whole storm, with two instances fed alike: what one does may depend on
// its own past only, or the simulator could not replay it.
void storm(Library &library, Steps &steps, std::vector<std::string> &warnings) {
  Driven first(library, steps);
  Driven twin(library, steps);
  Storm weather;
  bool alike = true;
  std::size_t asked = 0, refused = 0;
  for (std::size_t number = 1; number <= Storm::length; ++number) {
    const Moment moment = weather.step(first.plan());
    const pl_plan &plan = first.look(moment, number);
    alike = alike && same_plan(plan, twin.look(moment, number));
    if (library.has_explain())
      first.explain(number);
    if (library.has_admit())
      for (std::size_t ask = 0; ask < 2; ++ask, ++asked)
        refused += first.admit(weather, moment.scene, 2 * number + ask) ? 1 : 0;
  }
  if (asked > 0 && refused == asked)
    warnings.emplace_back("admit refused every request that it was asked about: nobody would ever "
                          "wait for a connection");
  if (!alike)
    warnings.emplace_back(
        "two instances that saw the same answered differently: it keeps state in static "
        "variables, or reads a clock or random numbers, so it can't be replayed");

  if (library.has_save()) {
    const std::vector<std::byte> state = first.save();
    Driven heir(library, steps);
    if (library.has_restore() && !state.empty()) {
      if (const auto refused = heir.restore(state, "what save gave"))
        throw Refusal("restore", "it refuses what its own save gave: " + *refused);
      heir.look(Storm().step(heir.plan()), 1, ", after restore");
    }
    heir.destroy();
  }
  if (library.has_restore()) {
    // A build of yesterday saved something else: refusing is right, crashing is not.
    for (const auto &[size, what] : {std::pair<std::size_t, const char *>{0, "nothing"},
                                     {3, "three bytes"},
                                     {4096, "4096 bytes of noise"}}) {
      Driven heir(library, steps);
      (void)heir.restore(std::vector<std::byte>(size, std::byte{0xA5}), what);
      heir.look(Storm().step(heir.plan()), 1, ", after restore");
      heir.destroy();
    }
  }
  first.destroy();
  twin.destroy();
}

// Every parameter at both ends and at its default, each on an instance that
// works on: a change takes effect without a swap. A value may be refused, as one that does not
// go with the others; then what was in force is set, as the host does. A default beside the
// others' defaults may not be refused.
void settings(Library &library, Steps &steps) {
  constexpr std::size_t looks_each = 40;
  constexpr std::size_t stride = Storm::length / looks_each;
  const std::vector<Param> &params = library.params();
  for (std::uint32_t i = 0; i < params.size(); ++i) {
    Driven driven(library, steps);
    double in_force = params[i].default_value;
    for (const double value : {params[i].min, params[i].max, params[i].default_value}) {
      const auto refused = driven.set(i, params[i].name, value);
      if (refused && value == params[i].default_value)
        throw Refusal("set", fmt::format("it refuses its own default, {} = {}: {}", params[i].name,
                                         value, *refused));
      if (refused) {
        (void)driven.set(i, params[i].name, in_force);
        continue;
      }
      in_force = value;
      const std::string setting = fmt::format(", with {} = {}", params[i].name, value);
      Storm weather;
      std::size_t number = 0;
      for (std::size_t step = 0; step < Storm::length; ++step) {
        const Moment moment = weather.step(driven.plan());
        if (step % stride == 0)
          driven.look(moment, ++number, setting);
      }
    }
    driven.destroy();
  }
}

// A thread that has just been joined is still listed for a moment.
Footprint footprint_after(const Footprint &before) {
  Footprint now = Footprint::take();
  for (int tries = 0; tries < 50 && now.threads > before.threads; ++tries) {
    std::this_thread::sleep_for(milliseconds(2));
    now = Footprint::take();
  }
  return now;
}

void check_footprint(const Footprint &before, const FaultHandlers &handlers,
                     std::vector<std::string> &warnings) {
  const Footprint after = footprint_after(before);
  if (after.threads > before.threads)
    throw Refusal("threads",
                  fmt::format("it left {} thread{} running after destroy: a strategy has no "
                              "threads; use next_look to be asked again",
                              after.threads - before.threads,
                              after.threads - before.threads == 1 ? "" : "s"));
  if (after.children)
    throw Refusal("threads", "it started another process: a strategy only computes a plan");
  if (!after.standard_files)
    throw Refusal("files", "it closed standard input, output or error, which belong to the host");
  if (!(FaultHandlers::take() == handlers))
    throw Refusal("files", "it changed a signal handler, which belongs to the host");
  if (after.heap > before.heap + kept_memory_allowed)
    warnings.push_back(
        fmt::format("it keeps {} KB of memory after destroy: free there what it took",
                    (after.heap - before.heap) / 1024));
  if (after.files > before.files)
    warnings.push_back(
        fmt::format("it left {} file(s) open: a strategy needs none", after.files - before.files));
}

// A fault is told with its place in the file.
void note_where_it_lies(const std::filesystem::path &path) {
  struct Wanted {
    std::string path;
    std::uintptr_t begin = 0, end = 0;
  } wanted{path.string()};
  ::dl_iterate_phdr(
      [](dl_phdr_info *info, std::size_t, void *data) {
        auto &found = *static_cast<Wanted *>(data);
        if (found.path != info->dlpi_name)
          return 0;
        found.begin = info->dlpi_addr;
        for (int i = 0; i < info->dlpi_phnum; ++i)
          found.end = std::max<std::uintptr_t>(
              found.end, info->dlpi_addr + info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz);
        return 1;
      },
      &wanted);
  library_lies_at(wanted.begin, wanted.end);
}

std::vector<std::string> members_of(const Library &library) {
  std::vector<std::string> members;
  const auto add = [&](bool has, const char *name) {
    if (has)
      members.emplace_back(name);
  };
  add(!library.params().empty(), "params");
  add(library.has_admit(), "admit");
  add(library.has_explain(), "explain");
  add(library.has_save(), "save");
  add(library.has_restore(), "restore");
  return members;
}

} // namespace

TrialResult try_library(const std::filesystem::path &path, Channel &channel) {
  Steps steps(channel);
  steps.at("reading the file");
  if (const auto problem = problem_with_file(path))
    throw Refusal("file", *problem);

  TrialResult result;
  result.warnings = habits(imported_names(path));
  const Spoken spoken;
  const Footprint before = Footprint::take();
  const FaultHandlers handlers = FaultHandlers::take();
  steps.at("while it was loaded (a static constructor, or its entry function)");
  std::unique_ptr<Library> library;
  try {
    library = std::make_unique<Library>(path);
    note_where_it_lies(path);
    result.summary = library->summary();
    result.params = library->params();
    result.members = members_of(*library);
    if (result.summary.empty())
      result.warnings.emplace_back(
          "it has no summary: give POOL_LAB_STRATEGY one line that says what it does");
    storm(*library, steps, result.warnings);
    settings(*library, steps);
    steps.at("after destroy");
    check_footprint(before, handlers, result.warnings);
    if (const std::string said = spoken.first_line(); !said.empty())
      result.warnings.push_back(
          fmt::format("it writes to standard output or error (\"{}\"): say it in explain", said));
  } catch (const Unusable &unusable) {
    throw Refusal(unusable.check, unusable.what());
  }
  steps.at("while it was closed (a static destructor)");
  if (const Closed closed = library->close(); !closed.unmapped)
    result.warnings.push_back(closed.problem);
  return result;
}

} // namespace lab::plugin
