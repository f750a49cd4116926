#include "host/pool/governor.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <utility>

namespace lab::pool {
namespace {

// As strategy.h says of a verdict; the pool adds it to a moment.
constexpr std::chrono::hours longest_wait{1};

} // namespace

void Strategy::never_call_again() noexcept {
  instance->abandon();
  library->quarantine();
}

Governor::Governor(std::uint64_t seed, CallGuard &guard) : guard_(guard), random_(seed) {}

Strategy Governor::load(const std::string &name, std::uint64_t generation,
                        const std::filesystem::path &copy, const ParamValues &values) {
  Strategy made;
  made.name = name;
  made.generation = generation;
  made.copy = copy;
  guarded("load", [&] { made.library = std::make_unique<plugin::Library>(copy); });
  begin(made, values);
  return made;
}

// Makes its instance, with `values`. Throws plugin::Unusable, and has ended it then.
void Governor::begin(Strategy &to, const ParamValues &values) {
  try {
    guarded("create", [&] { to.instance = std::make_unique<plugin::Instance>(*to.library); });
    to.values.clear();
    for (const plugin::Param &param : to.library->params())
      to.values.emplace_back(param.name, param.default_value);
    if (const auto failure = set_all(to, values)) {
      if (failure->threw)
        to.never_call_again();
      throw plugin::Unusable("params", failure->text);
    }
  } catch (...) {
    // Unwinding would run its `destroy` and its destructors where a fault ends the host.
    (void)retire(std::move(to));
    throw;
  }
}

Adopted Governor::adopt(Strategy next) {
  Adopted adopted;
  if (strategy_ && strategy_->name == next.name)
    adopted.state = hand_over(*strategy_, next);
  adopted.old = std::move(strategy_);
  strategy_ = std::move(next);
  return adopted;
}

// A state that can't be taken over means a fresh start, no more.
std::optional<Handover> Governor::hand_over(Strategy &old, Strategy &next) {
  std::vector<std::byte> state;
  const auto unsaved = guarded("save", [&] { return old.instance->save(state); });
  if (unsaved) {
    if (unsaved->threw)
      old.never_call_again();
    return Handover{0, "it could not be saved: " + unsaved->text};
  }
  if (state.empty())
    return std::nullopt;
  if (!next.library->has_restore())
    return Handover{state.size(), "the new build has no restore"};
  const auto refused = guarded("restore", [&] { return next.instance->restore(state); });
  if (!refused)
    return Handover{state.size(), ""};
  // It may have taken half of it: another instance of the same library begins.
  if (refused->threw)
    next.instance->abandon();
  guarded("destroy", [&] { next.instance.reset(); });
  begin(next, ParamValues(next.values));
  return Handover{state.size(), refused->text};
}

plugin::Closed Governor::retire(Strategy old) {
  guarded("destroy", [&] { old.instance.reset(); });
  return guarded("close", [&] { return old.library->close(); });
}

std::optional<Strategy> Governor::go_builtin() {
  plan_ = builtin_plan();
  std::optional<Strategy> old = std::move(strategy_);
  strategy_.reset();
  return old;
}

plugin::CallResult Governor::set(const ParamValues &values) {
  if (!strategy_)
    return plugin::CallFailure{false, "no strategy is in use"};
  return set_all(*strategy_, values);
}

Decision Governor::look(pl_observation seen, const std::optional<ServerView> &server,
                        std::uint32_t share) {
  if (!strategy_) {
    plan_ = builtin_plan();
    return {in_force(share), 0, "the fixed plan that is compiled into the host", std::nullopt};
  }

  if (server) {
    seen.server_max_connections = server->max_connections;
    seen.server_reserved = server->reserved;
    seen.server_others = server->others;
    seen.server_age = server->age.count();
  }
  seen.random = random_.next();

  pl_plan answer = plugin::default_plan();
  auto failure = guarded("look", [&] { return strategy_->instance->look(seen, answer); });
  if (failure)
    return {in_force(share), 0, {}, std::move(failure)};

  std::string why;
  if (strategy_->library->has_explain()) {
    auto unexplained = guarded("explain", [&] { return strategy_->instance->explain(why); });
    if (unexplained && unexplained->threw)
      return {in_force(share), 0, {}, std::move(unexplained)};
    if (unexplained) // the plan is good all the same
      why = unexplained->text;
  }
  const Clamped clamped = from_abi(answer);
  plan_ = clamped.plan;
  const Clamped shared = within_share(plan_, share);
  return {shared.plan, clamped.fields + shared.fields, why, std::nullopt};
}

Admission Governor::admit(const pl_ask &ask) {
  pl_verdict answer{};
  auto failure = guarded("admit", [&] { return strategy_->instance->admit(ask, answer); });
  if (failure)
    return {{}, std::move(failure)};
  switch (answer.kind) {
  case PL_WAIT: {
    if (answer.place > PL_FRONT || answer.wait < 0)
      return {}; // nonsense decides nothing
    const Duration wait = std::min<Duration>(Duration(answer.wait), longest_wait);
    return {{Verdict::Kind::wait, answer.place == PL_FRONT, wait}, std::nullopt};
  }
  case PL_REFUSE:
    return {{Verdict::Kind::refuse, false, {}}, std::nullopt};
  default:
    return {};
  }
}

std::size_t Governor::admit_all(const std::vector<WaitingRequest> &asks,
                                const std::function<Time()> &now,
                                const std::function<bool(RequestId)> &still_waits,
                                const std::function<void(RequestId, const Admission &)> &tell) {
  const auto waits = [&](const WaitingRequest &ask) { return still_waits(ask.request); };
  const Time until = now() + longest_asking;
  for (std::size_t i = 0; i < asks.size(); ++i) {
    if (!admits()) // it was expelled at one before
      return 0;
    if (now() >= until)
      return static_cast<std::size_t>(
          std::count_if(asks.begin() + static_cast<std::ptrdiff_t>(i), asks.end(), waits));
    if (waits(asks[i])) // while others were asked about, it may have been served
      tell(asks[i].request, admit(asks[i].shown));
  }
  return 0;
}

void Governor::abandon() noexcept {
  if (strategy_)
    strategy_->never_call_again();
}

Plan Governor::builtin_plan() {
  Plan plan;
  plan.max_in_use = 10;
  plan.max_waiting = 200;
  plan.wait_timeout = std::chrono::seconds(1);
  return plan;
}

// One that is refused is not in force: not every author puts back what was.
plugin::CallResult Governor::set_one(Strategy &to, std::uint32_t index, double value) {
  const auto call = [&](double wanted) {
    return guarded("set", [&] { return to.instance->set(index, wanted); });
  };
  double &in_force = to.values.at(index).second;
  auto failure = call(value);
  if (!failure)
    in_force = value;
  else if (!failure->threw)
    if (auto way_back = call(in_force); way_back && way_back->threw)
      return way_back; // refused once more is no matter; this is a fault
  return failure;
}

// All or none, and in whatever order they are stated. A strategy may compare two of them: what it
// refuses beside the old value of another is tried again beside the new one.
plugin::CallResult Governor::set_all(Strategy &to, const ParamValues &values) {
  const auto &params = to.library->params();
  std::vector<std::pair<std::uint32_t, double>> wanted, taken; // the latter with what was before
  for (const auto &[name, value] : values) {                   // a mistake in one, and none is set
    const auto index = plugin::index_of(params, name);
    if (!index)
      return plugin::CallFailure{false, plugin::no_such_setting(to.name, name, params)};
    if (const auto problem = plugin::problem_with(params[*index], value))
      return plugin::CallFailure{false, *problem};
    wanted.emplace_back(*index, value);
  }
  while (!wanted.empty()) {
    plugin::CallResult failure; // the first of this round
    const std::size_t left = wanted.size();
    for (auto one = wanted.begin(); one != wanted.end();) {
      const auto [index, value] = *one;
      const double before = to.values.at(index).second;
      auto refused = set_one(to, index, value);
      if (refused && refused->threw)
        return refused;
      if (refused) {
        if (!failure)
          failure = std::move(refused);
        ++one;
      } else {
        taken.emplace_back(index, before);
        one = wanted.erase(one);
      }
    }
    if (wanted.size() < left)
      continue;
    // Back the way it came, through settings that were all in force together: another way the
    // strategy might refuse.
    for (; !taken.empty(); taken.pop_back()) {
      const auto [index, before] = taken.back();
      if (auto way_back = set_one(to, index, before); way_back && way_back->threw)
        return way_back;
    }
    return failure;
  }
  return std::nullopt;
}

} // namespace lab::pool
