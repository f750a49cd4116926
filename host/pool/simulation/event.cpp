#include "host/pool/simulation/event.hpp"

#include <fmt/format.h>

namespace lab::pool::simulation {
namespace {

constexpr std::array<std::string_view, kinds> names = {"acquire",
                                                       "release",
                                                       "release (failed)",
                                                       "broke (in use)",
                                                       "broke (idle)",
                                                       "dead at checkout",
                                                       "connected",
                                                       "connect failed",
                                                       "connect refused",
                                                       "cancel (waiting)",
                                                       "cancel (other)",
                                                       "admit: keep",
                                                       "admit: front",
                                                       "admit: back",
                                                       "admit: refuse",
                                                       "admit: late",
                                                       "plan",
                                                       "plan (fresh)",
                                                       "tick",
                                                       "observe",
                                                       "take asks",
                                                       "stray",
                                                       "shut down"};

constexpr std::string_view route = "POST /simulated";

// What the pool may be told about a connection, at the wrong time.
void tell_stray(Pool &pool, const Event &e, Actions &out) {
  switch (e.flavour) {
  case 0:
    return pool.release(e.now, e.connection, true, out);
  case 1:
    return pool.dead_at_checkout(e.now, e.connection, out);
  case 2:
    return pool.connected(e.now, e.connection, out);
  case 3:
    return pool.connect_failed(e.now, e.connection, false, out);
  default:
    return pool.broke(e.now, e.connection, out);
  }
}

std::string_view name_of(Refusal why) {
  switch (why) {
  case Refusal::timed_out:
    return "timed out";
  case Refusal::rejected:
    return "rejected";
  case Refusal::too_many_connections:
    return "too many connections";
  case Refusal::db_unavailable:
    return "database unavailable";
  case Refusal::draining:
    break;
  }
  return "draining";
}

std::int64_t stamp(Time at) {
  return at == Time::max() ? -1 : at.time_since_epoch().count();
}

} // namespace

std::string_view name_of(Kind kind) {
  return names.at(static_cast<std::size_t>(kind));
}

void tell(Pool &pool, const Event &e, Told &told) {
  Actions &out = told.actions;
  switch (e.kind) {
  case Kind::acquire:
    if (e.gate_first) {
      if (const auto taken = pool.try_acquire(e.now, e.request, e.deadline, route)) {
        out.emplace_back(Serve{e.request, *taken, Duration::zero()});
        told.through_the_gate = true;
        return;
      }
    }
    return pool.acquire(e.now, e.request, e.deadline, route, out);
  case Kind::release:
    if (e.gate_first && pool.try_release(e.now, e.connection)) {
      told.through_the_gate = true;
      return;
    }
    return pool.release(e.now, e.connection, true, out);
  case Kind::release_failed:
    return pool.release(e.now, e.connection, false, out);
  case Kind::broke_in_use:
  case Kind::broke_idle:
    return pool.broke(e.now, e.connection, out);
  case Kind::dead_at_checkout:
    return pool.dead_at_checkout(e.now, e.connection, out);
  case Kind::connected:
    return pool.connected(e.now, e.connection, out);
  case Kind::connect_failed:
    return pool.connect_failed(e.now, e.connection, false, out);
  case Kind::connect_refused:
    return pool.connect_failed(e.now, e.connection, true, out);
  case Kind::cancel_waiting:
  case Kind::cancel_other:
    (void)pool.cancel(e.now, e.request, out);
    return;
  case Kind::admit_keep:
  case Kind::admit_front:
  case Kind::admit_back:
  case Kind::admit_refuse:
  case Kind::admit_late:
    return pool.admitted(e.now, e.request, e.verdict, out);
  case Kind::plan:
  case Kind::fresh_plan:
    return pool.follow(e.now, e.plan, e.kind == Kind::fresh_plan, e.admits, out);
  case Kind::tick:
    return pool.tick(e.now, out);
  case Kind::observe:
    told.seen = pool.observe(e.now);
    return;
  case Kind::take_asks:
    told.asks = pool.take_asks(e.now);
    return;
  case Kind::stray:
    return tell_stray(pool, e, out);
  case Kind::shut_down:
    return pool.shut_down(e.now, out);
  }
}

std::string text_of(const Event &e) {
  std::string text = fmt::format("{:>14} {}{}", stamp(e.now), name_of(e.kind),
                                 e.gate_first ? " (gate first)" : "");
  const auto request = static_cast<std::uint64_t>(e.request);
  const auto connection = static_cast<std::uint64_t>(e.connection);
  switch (e.kind) {
  case Kind::acquire:
    return text + fmt::format(" r{} until {}", request, stamp(e.deadline));
  case Kind::plan:
  case Kind::fresh_plan:
    return text +
           fmt::format(" in use {}, open {}, min idle {}, connecting {}, waiting {}, {}, wait {}, "
                       "idle {}, lifetime {}, share {}{}",
                       e.plan.max_in_use,
                       e.plan.max_open ? std::to_string(*e.plan.max_open) : std::string("auto"),
                       e.plan.min_idle, e.plan.max_connecting, e.plan.max_waiting,
                       e.plan.order == Order::lifo ? "LIFO" : "FIFO", e.plan.wait_timeout.count(),
                       e.plan.idle_timeout.count(), e.plan.max_lifetime.count(), e.plan.share,
                       e.admits ? ", admits" : "");
  case Kind::admit_front:
  case Kind::admit_back:
    return text + fmt::format(" r{} wait {}", request, e.verdict.wait.count());
  case Kind::stray:
    return text + fmt::format(" {} c{}", e.flavour, connection);
  default:
    if (request != 0)
      text += fmt::format(" r{}", request);
    if (connection != 0)
      text += fmt::format(" c{}", connection);
    return text;
  }
}

std::string text_of(const Action &action) {
  struct Visit {
    std::string operator()(const Connect &a) const {
      return fmt::format("connect c{}", static_cast<std::uint64_t>(a.connection));
    }
    std::string operator()(const Close &a) const {
      return fmt::format("close c{}", static_cast<std::uint64_t>(a.connection));
    }
    std::string operator()(const Serve &a) const {
      return fmt::format("serve r{} with c{} after {}", static_cast<std::uint64_t>(a.request),
                         static_cast<std::uint64_t>(a.connection), a.waited.count());
    }
    std::string operator()(const Refuse &a) const {
      return fmt::format("refuse r{}: {} after {}", static_cast<std::uint64_t>(a.request),
                         name_of(a.why), a.waited.count());
    }
    std::string operator()(const AskStrategy &) const { return "ask strategy"; }
    std::string operator()(const WakeAt &a) const { return fmt::format("wake at {}", stamp(a.at)); }
  };
  return std::visit(Visit{}, action);
}

} // namespace lab::pool::simulation
