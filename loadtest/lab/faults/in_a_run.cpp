#include "loadtest/lab/faults/in_a_run.hpp"

#include <algorithm>
#include <chrono>
#include <stop_token>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "loadtest/lab/database.hpp"
#include "loadtest/lab/exit_status.hpp"
#include "loadtest/lab/faults/carry_out.hpp"

namespace lab::cli {
namespace {

using std::chrono::milliseconds;

load::Fault fault_of(const Places &places, const FaultKind &kind, int amount, FaultPlace &place) {
  load::Fault fault;
  fault.name = kind.name;
  fault.work = [&places, &kind, amount, &place](load::Fault::Clock::time_point until,
                                                const std::stop_token &stop) {
    const auto length = std::chrono::duration_cast<milliseconds>(until - load::Fault::Clock::now());
    (void)carry_out(places, kind, {amount, length}, place, stop);
  };
  return fault;
}

} // namespace

int usual_amount(const FaultKind &kind) {
  return kind.amount ? kind.amount->otherwise : 0;
}

load::Fault fault_in_the_middle(const Places &places, const load::Profile &profile,
                                const FaultKind &kind, FaultPlace &place) {
  load::Fault fault = fault_of(places, kind, usual_amount(kind), place);
  load::place_in_the_middle(fault, profile);
  return fault;
}

const FaultKind *trouble_of(const Places &places, const load::Profile &profile) {
  if (profile.trouble.fault.empty())
    return nullptr;
  const auto &kinds = fault_kinds();
  const auto kind = std::find_if(kinds.begin(), kinds.end(), [&](const FaultKind &one) {
    return one.name == profile.trouble.fault;
  });
  if (kind == kinds.end()) {
    std::vector<std::string> names;
    for (const FaultKind &one : kinds)
      names.push_back(one.name);
    throw SetUpFailed(fmt::format("profile {}: no fault is called {}; there are {}", profile.name,
                                  profile.trouble.fault, fmt::join(names, ", ")));
  }
  if (kind->amount && profile.trouble.amount != 0 &&
      (profile.trouble.amount < kind->amount->low || profile.trouble.amount > kind->amount->high))
    throw SetUpFailed(fmt::format("profile {}: the amount of {} must be {} to {}, not {}",
                                  profile.name, kind->name, kind->amount->low, kind->amount->high,
                                  profile.trouble.amount));
  if (kind->on_postgres)
    (void)own_postgres(places, fmt::format("load {}, which has a fault in it,", profile.name));
  return &*kind;
}

load::Fault fault_of_profile(const Places &places, const load::Profile &profile,
                             const FaultKind &kind, FaultPlace &place) {
  const load::Trouble &trouble = profile.trouble;
  load::Fault fault =
      fault_of(places, kind, trouble.amount == 0 ? usual_amount(kind) : trouble.amount, place);
  fault.from = profile.warm_up + trouble.from;
  const milliseconds rest = profile.measure - trouble.from;
  fault.length = std::min<milliseconds>(trouble.length.count() == 0 ? rest : trouble.length,
                                        load::longest_fault);
  return fault;
}

} // namespace lab::cli
