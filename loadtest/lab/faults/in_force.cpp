#include "loadtest/lab/faults/in_force.hpp"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <exception>
#include <functional>

#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "loadtest/lab/exit_status.hpp"
#include "loadtest/lab/faults/fault_kind.hpp"
#include "loadtest/lab/files.hpp"
#include "loadtest/lab/host_api.hpp"
#include "loadtest/lab/host_process.hpp"

namespace lab::cli {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::system_clock;

// A process that is so late with its undoing stands still.
constexpr auto long_over = 15s;
constexpr auto end_limit = 15s; // undoing a kill is a start of PostgreSQL

system_clock::time_point moment_of(std::int64_t ms) {
  return system_clock::time_point(milliseconds(ms));
}

std::int64_t ms_of(system_clock::time_point moment) {
  return std::chrono::duration_cast<milliseconds>(moment.time_since_epoch()).count();
}

json to_json(const FaultInForce &fault) {
  return {{"name", fault.name},
          {"pid", fault.owner ? fault.owner->pid : 0},
          {"started", fault.owner ? fault.owner->started : 0},
          {"until_ms", fault.until ? json(ms_of(*fault.until)) : json(nullptr)},
          {"what", fault.what}};
}

// All that the file names. Damaged: nothing, for nobody could undo by it.
std::vector<FaultInForce> noted(const Places &places) {
  const auto text = text_of_file(places.faults());
  const json all = text ? json::parse(*text, nullptr, false) : json();
  std::vector<FaultInForce> faults;
  if (!all.is_array())
    return faults;
  for (const json &one : all) {
    try {
      FaultInForce fault{one.at("name"), std::nullopt, std::nullopt, one.at("what")};
      if (one.at("pid") != 0)
        fault.owner = ProcessId{one.at("pid"), one.at("started")};
      if (one.at("until_ms").is_number())
        fault.until = moment_of(one.at("until_ms"));
      const auto &kinds = fault_kinds();
      if (std::any_of(kinds.begin(), kinds.end(),
                      [&](const FaultKind &kind) { return kind.name == fault.name; }))
        faults.push_back(std::move(fault));
    } catch (const json::exception &) {
      continue;
    }
  }
  return faults;
}

void note(const Places &places, const std::vector<FaultInForce> &faults) {
  json all = json::array();
  for (const FaultInForce &fault : faults)
    all.push_back(to_json(fault));
  write_whole(places.faults(), all.dump(1) + "\n");
}

// With the lock held.
void note_one(const Places &places, const FaultInForce &fault) {
  auto faults = noted(places);
  std::erase_if(faults, [&](const FaultInForce &other) { return other.name == fault.name; });
  faults.push_back(fault);
  note(places, faults);
}

void forget(const Places &places, const std::function<bool(const FaultInForce &)> &which) {
  if (noted(places).empty())
    return;
  const auto changing = FileLock::wait_for(places.fault_lock());
  auto faults = noted(places);
  if (std::erase_if(faults, which) > 0)
    note(places, faults);
}

ProcessId this_process() {
  const auto self = process(::getpid());
  return {::getpid(), self ? self->started : 0};
}

bool is_left(const FaultInForce &fault) {
  if (!fault.owner)
    return false;
  return !alive(*fault.owner) || (fault.until && system_clock::now() > *fault.until + long_over);
}

// A kill that stays is over once PostgreSQL runs, whoever started it.
bool is_over(const Places &places, const FaultInForce &fault) {
  return fault.name == "kill" && !fault.owner && places.postgres(db::lab_user()).pid();
}

} // namespace

std::vector<FaultInForce> faults_in_force(const Places &places) {
  auto faults = noted(places);
  std::erase_if(
      faults, [&](const FaultInForce &fault) { return !fault.begun() || is_over(places, fault); });
  return faults;
}

bool is_in_force(const Places &places, const std::string &name) {
  const auto faults = faults_in_force(places);
  return std::any_of(faults.begin(), faults.end(),
                     [&](const FaultInForce &fault) { return fault.name == name; });
}

json faults_report(const Places &places) {
  json all = json::array();
  const auto seconds = [](milliseconds left) {
    return std::max(0.0, std::round(static_cast<double>(left.count()) / 100) / 10);
  };
  for (const FaultInForce &fault : faults_in_force(places)) {
    json left = nullptr;
    if (fault.until)
      left = seconds(std::chrono::duration_cast<milliseconds>(*fault.until - system_clock::now()));
    all.push_back({{"name", fault.name},
                   {"what", fault.what},
                   {"seconds_left", left},
                   {"pid", fault.owner ? json(fault.owner->pid) : json(nullptr)}});
  }
  for (int number = 0; number < most_hosts; ++number) {
    const auto host = recorded_host(places, number);
    if (!host)
      continue;
    try {
      const json own = HostApi(host->port).faults();
      for (const auto &[key, amount, name] : {std::tuple("slow_connects", "ms", "slow-connects"),
                                              std::tuple("leak", "count", "leak")})
        if (own.contains(key) &&
            std::none_of(all.begin(), all.end(),
                         [&, wanted = name](const json &one) { return one["name"] == wanted; }))
          all.push_back(
              {{"name", name},
               {"what", fault_named(name).what(own[key].at(amount).get<int>())},
               {"seconds_left", seconds(milliseconds(own[key].at("ends_in_ms").get<int>()))},
               {"pid", nullptr}});
    } catch (const std::exception &) {
      continue; // it is starting, or an older one
    }
  }
  return all;
}

std::string fault_line(const json &fault) {
  const json &left = fault.at("seconds_left"), &pid = fault.at("pid");
  return fmt::format("{}: {} ({}{})", fault.at("name").get<std::string>(),
                     fault.at("what").get<std::string>(),
                     left.is_null() ? "until scripts/lab fault clear"
                                    : fmt::format("{:.1f} s left", left.get<double>()),
                     pid.is_null() ? "" : fmt::format(", process {}", pid.get<int>()));
}

// ---- the right to do one -----------------------------------------------------------

FaultPlace::FaultPlace(const Places &places, std::string name)
    : places_(places), name_(std::move(name)) {
  const auto changing = FileLock::wait_for(places_.fault_lock());
  for (const FaultInForce &other : noted(places_)) {
    if (other.name != name_ || is_over(places_, other))
      continue;
    if (is_left(other)) {
      if (other.begun())
        fault_named(name_).undo_left(places_);
    } else if (!other.owner) {
      throw SetUpFailed(fmt::format("{} already: scripts/lab fault clear undoes it", other.what));
    } else if (other.begun()) {
      throw SetUpFailed(fmt::format(
          "another {} is under way: wait for it, or end it with scripts/lab fault clear", name_));
    } else {
      throw SetUpFailed(fmt::format("a load with a {} of its own is under way: wait for its end, "
                                    "or end it with Ctrl-C where it runs",
                                    name_));
    }
  }
  note_one(places_, {name_, this_process(), std::nullopt, ""});
}

FaultPlace::~FaultPlace() {
  if (!forget_)
    return;
  try {
    forget(places_, [this](const FaultInForce &fault) {
      return fault.name == name_ && fault.owner == this_process();
    });
  } catch (const std::exception &) {
    // A full disk. This process is about to end, which says the same.
  }
}

void FaultPlace::begins(const std::string &what, system_clock::time_point until) {
  const auto changing = FileLock::wait_for(places_.fault_lock());
  note_one(places_, {name_, this_process(), until, what});
  forget_ = false;
}

// Its turn is over, but the place is kept.
void FaultPlace::undone() {
  forget_ = true;
  const auto changing = FileLock::wait_for(places_.fault_lock());
  note_one(places_, {name_, this_process(), std::nullopt, ""});
}

void FaultPlace::stays(const std::string &what) {
  const auto changing = FileLock::wait_for(places_.fault_lock());
  note_one(places_, {name_, std::nullopt, std::nullopt, what});
  forget_ = false;
}

// ---- ending them -------------------------------------------------------------------

std::vector<std::string> undo_left_faults(const Places &places) {
  const auto before = noted(places);
  if (std::none_of(before.begin(), before.end(), is_left))
    return {};
  std::vector<std::string> told;
  {
    const auto changing = FileLock::wait_for(places.fault_lock());
    auto faults = noted(places);
    std::erase_if(faults, [&](const FaultInForce &fault) {
      if (!is_left(fault))
        return false;
      try {
        if (fault.begun()) {
          fault_named(fault.name).undo_left(places);
          told.push_back(fmt::format("{} is undone, for its process {} is gone", fault.name,
                                     fault.owner->pid));
        }
        return true;
      } catch (const std::exception &) {
        return false;
      }
    });
    note(places, faults);
  }
  for (const std::string &line : told)
    tell_hosts(places, line);
  return told;
}

void end_faults(const Places &places) {
  for (const FaultInForce &fault : faults_in_force(places)) {
    if (!fault.owner || !alive(*fault.owner) || fault.owner == this_process())
      continue;
    ::kill(fault.owner->pid, SIGINT);
    (void)EndWatch(*fault.owner).wait_for(end_limit);
  }
}

void forget_faults(const Places &places) {
  forget(places, [](const FaultInForce &fault) { return fault.begun(); });
}

void forget_fault(const Places &places, const std::string &name) {
  forget(places, [&](const FaultInForce &fault) { return fault.begun() && fault.name == name; });
}

void tell_hosts(const Places &places, const std::string &what) {
  for (int number = 0; number < most_hosts; ++number) {
    try {
      if (const auto host = recorded_host(places, number))
        HostApi(host->port).mark(what, HostApi::Mark::fault);
    } catch (const std::exception &) {
      continue;
    }
  }
}

} // namespace lab::cli
