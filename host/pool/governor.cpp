#include "host/pool/governor.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <utility>

namespace lab::pool {
namespace {

// As strategy.h says of a verdict; the pool adds it to a moment.
constexpr std::chrono::hours longest_wait{1};

// Not even to end it: its thread is parked in it, or its exception crossed the interface.
void never_call_again(Strategy &strategy) noexcept {
  strategy.instance->abandon();
  strategy.library->quarantine();
}

} // namespace

Governor::Governor(std::uint64_t seed, CallGuard &guard) : guard_(guard), random_(seed) {}

Strategy Governor::load(const std::string &name, std::uint64_t generation,
                        const std::filesystem::path &copy, const ParamValues &values) {
  Strategy made;
  made.name = name;
  made.generation = generation;
  made.copy = copy;
  guarded("load", [&] { made.library = std::make_unique<plugin::Library>(copy); });
  made.begins_with = values;
  begin(made);
  return made;
}

// Makes its instance, with what it begins with. Throws plugin::Unusable, and has ended it then.
void Governor::begin(Strategy &to) {
  try {
    guarded("create", [&] { to.instance = std::make_unique<plugin::Instance>(*to.library); });
    to.values.clear();
    for (const plugin::Param &param : to.library->params())
      to.values.emplace_back(param.name, param.default_value);
    std::vector<std::uint32_t> tried; // none is taken back: its instance ends
    if (const auto failure = try_all(to, to.begins_with, tried)) {
      if (failure->threw)
        never_call_again(to);
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
      never_call_again(old);
    return Handover{0, "it could not be saved: " + unsaved->text};
  }
  if (state.empty())
    return std::nullopt;
  if (!next.library->has_restore())
    return Handover{state.size(), "the new build has no restore"};
  const auto refused = guarded("restore", [&] { return next.instance->restore(state); });
  if (!refused)
    return Handover{state.size(), ""};
  // It may have taken half of it: another instance begins.
  if (refused->threw)
    next.instance->abandon();
  guarded("destroy", [&] { next.instance.reset(); });
  begin(next);
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
  const ParamValues before = strategy_->values;
  std::vector<std::uint32_t> tried;
  auto failure = try_all(*strategy_, values, tried);
  if (!failure)
    return std::nullopt;
  strategy_->values = before;
  if (failure->threw)
    return failure;
  // A mistake changes nothing. The one that was refused comes first: it may have been taken all the
  // same, as not every author puts it back. Then backwards, through settings that were all in force
  // together: another way the strategy might refuse.
  for (; !tried.empty(); tried.pop_back())
    if (auto undone = set_one(*strategy_, tried.back(), before.at(tried.back()).second);
        undone && undone->threw)
      return undone; // refused once more is no matter; this is a fault
  return failure;
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
  // Nonsense decides nothing.
  if (answer.kind > PL_REFUSE || answer.place > PL_FRONT || answer.wait < 0)
    return {};
  switch (answer.kind) {
  case PL_WAIT: {
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
    never_call_again(*strategy_);
}

Plan Governor::builtin_plan() {
  Plan plan;
  plan.max_in_use = 10;
  plan.max_waiting = 200;
  plan.wait_timeout = std::chrono::seconds(1);
  return plan;
}

plugin::CallResult Governor::set_one(Strategy &to, std::uint32_t index, double value) {
  return guarded("set", [&] { return to.instance->set(index, value); });
}

// Checks all before it sets the first. `tried` are those that it has set, the one among them that
// the strategy itself refused.
plugin::CallResult Governor::try_all(Strategy &to, const ParamValues &values,
                                     std::vector<std::uint32_t> &tried) {
  const auto &params = to.library->params();
  std::vector<std::pair<std::uint32_t, double>> wanted;
  for (const auto &[name, value] : values) {
    const auto index = plugin::index_of(params, name);
    if (!index)
      return plugin::CallFailure{false, plugin::no_such_setting(to.name, name, params)};
    if (const auto problem = plugin::problem_with(params[*index], value))
      return plugin::CallFailure{false, *problem};
    wanted.emplace_back(*index, value);
  }
  for (const auto &[index, value] : wanted) {
    tried.push_back(index);
    if (auto failure = set_one(to, index, value))
      return failure;
    to.values.at(index).second = value;
  }
  return std::nullopt;
}

} // namespace lab::pool
