#include "loadtest/why.hpp"

#include "loadtest/figures.hpp"

#include <fmt/format.h>

namespace lab::load {
namespace {

using nlohmann::json;

// From this share on, PostgreSQL counts as busy: the rest of the machine is host
// and generator.
constexpr double busy_share = 0.7;

// At its limit in this share of the samples, a pool counts as full. Arrivals come
// in bursts, so one that is large enough is full now and then.
constexpr double at_limit_often = 25; // percent

// Many transactions at once that each take far longer than one alone hold each
// other up: on a few rows, or on the processors.
constexpr double many_at_once = 16;
constexpr double inflated = 10;
constexpr double inflated_ms = 20;

constexpr double noticed_ms = 1; // a shorter wait is none

// The summary with its numbers as text, exactly as they are stored.
class Facts {
public:
  explicit Facts(const json &summary) : summary_(summary) {}

  std::string text(const char *path) const { return shown(at(summary_, path)); }
  double number(const char *path) const { return number_at(summary_, path); }
  bool has(const char *path) const { return at(summary_, path).is_number(); }
  bool says(const char *path, const char *word) const {
    const json found = at(summary_, path);
    return found.is_string() && found == word;
  }
  std::string word(const char *path) const {
    const json found = at(summary_, path);
    return found.is_string() ? found.get<std::string>() : "";
  }

  // As many in use as the plan allowed, in a good part of the time.
  bool at_its_limit() const { return number("pool.at_limit_percent") >= at_limit_often; }
  bool postgres_busy() const {
    return has("processor.postgres_cores") &&
           number("processor.postgres_cores") >= busy_share * number("processor.cores");
  }

private:
  const json &summary_;
};

std::string postgres_used(const Facts &s) {
  return s.has("processor.postgres_percent")
             ? fmt::format("PostgreSQL used {} % of a core", s.text("processor.postgres_percent"))
             : "";
}

std::string failed_mostly(const Facts &s) {
  return fmt::format("{} % of the requests failed, most with {} ({} %)", s.text("failed_percent"),
                     s.word("failed_main.code"), s.text("failed_main.percent"));
}

std::string neighbour_fate(const Facts &s) {
  if (!s.has("neighbour.tried"))
    return "";
  if (s.number("neighbour.refused") > 0)
    return fmt::format("the neighbour application was turned away in {} of {} tries",
                       s.text("neighbour.refused"), s.text("neighbour.tried"));
  if (s.number("neighbour.failed") > 0)
    return fmt::format("the neighbour application got no connection in {} of {} tries",
                       s.text("neighbour.failed"), s.text("neighbour.tried"));
  return fmt::format("the neighbour application got its connection in each of {} tries",
                     s.text("neighbour.tried"));
}

// Ran into the server's ceiling.
std::string ceiling(const Facts &s) {
  std::string told;
  if (2 * s.number("pool.max_open") >= s.number("server.available"))
    told = fmt::format("It opened {} of the server's {} connections ({} are reserved), and the "
                       "server refused more",
                       s.text("pool.max_open"), s.text("server.max_connections"),
                       s.text("server.reserved"));
  else
    told = fmt::format("The server's {} connections were taken, though this pool opened only {} "
                       "of them",
                       s.text("server.max_connections"), s.text("pool.max_open"));
  if (s.number("neighbour.refused") > 0)
    told += ": " + neighbour_fate(s);
  told += ".";
  if (s.number("failed_percent") > 0)
    told += fmt::format(" {}.", failed_mostly(s));
  return told;
}

std::string contention(const Facts &s) {
  return fmt::format("Up to {} transactions ran at once and held each other up: one took {} ms on "
                     "average, the quickest {} ms. More connections make this worse, not better.",
                     s.text("pool.max_in_use"), s.text("pool.hold_ms.mean"),
                     s.text("pool.hold_ms.min"));
}

// All that it allowed was in use.
std::string full(const Facts &s) {
  const bool fixed = s.number("pool.limit_min") == s.number("pool.limit_max");
  return fixed ? fmt::format("All {} connections were in use", s.text("pool.limit_max"))
               : fmt::format("It allowed {} to {} connections at once, as many were in use",
                             s.text("pool.limit_min"), s.text("pool.limit_max"));
}

// Requests gave up waiting for a connection, or were turned away at once.
std::string too_few(const Facts &s) {
  const std::string used =
      fmt::format("{} and up to {} requests waited; {} % were turned away", full(s),
                  s.text("pool.waiting_max"), s.text("pool.turned_away_percent"));
  if (s.postgres_busy())
    return fmt::format("{}. {}: the database is the limit, a larger pool would not help.", used,
                       postgres_used(s));
  if (s.has("users") && s.has("server.available") &&
      s.number("users") > s.number("server.available")) {
    std::string told = fmt::format("{}, half of them within {} ms. {} users at once are more than "
                                   "the server's {} free connections",
                                   used, s.text("latency_failed_ms.p50"), s.text("users"),
                                   s.text("server.available"));
    const std::string fate = neighbour_fate(s);
    return told + (fate.empty() ? "." : "; " + fate + ".");
  }
  std::string told = used;
  if (s.has("processor.postgres_percent"))
    told += ", while " + postgres_used(s);
  told += ": the pool is too small.";
  if (s.has("pool.needed"))
    told += fmt::format(" {} requests a second that hold a connection {} ms each need about {}.",
                        s.text("rate.offered"), s.text("pool.hold_ms.mean"), s.text("pool.needed"));
  return told;
}

// The database or the host was away, or statements failed.
std::string broken(const Facts &s) {
  const std::string code = s.word("failed_main.code");
  const char *meaning = code == "db_unavailable"    ? "the database could not be reached"
                        : code == "connect_failed"  ? "the host could not be reached"
                        : code == "client_timeout"  ? "no answer came in time"
                        : code == "query_failed"    ? "the database refused statements"
                        : code == "outcome_unknown" ? "connections were lost in mid-write"
                        : code == "host_busy"       ? "the host had too many requests at once"
                        : code == "draining"        ? "the host was shutting down"
                        : code == "pool_timeout"    ? "no connection was free in time"
                        : code == "pool_rejected"   ? "the pool turned them away at once"
                                                    : "";
  return *meaning == '\0' ? fmt::format("{}.", failed_mostly(s))
                          : fmt::format("{}: {}.", failed_mostly(s), meaning);
}

// Everything was served, though it took a while.
std::string queue(const Facts &s) {
  std::string told = fmt::format("{} and up to {} requests waited, {} ms on average, but {}",
                                 full(s), s.text("pool.waiting_max"), s.text("pool.wait_ms.mean"),
                                 s.number("failed_percent") > 0 ? "few gave up" : "none gave up");
  if (!s.has("processor.postgres_percent"))
    return told + ".";
  return told + (s.postgres_busy() ? fmt::format("; {}: it is the limit.", postgres_used(s))
                                   : fmt::format("; {}.", postgres_used(s)));
}

std::string holds(const Facts &s) {
  std::string told = s.has("pool.needed")
                         ? fmt::format("It needed about {} of its {} connections",
                                       s.text("pool.needed"), s.text("pool.limit_max"))
                         : fmt::format("It used {} of its {} connections on average",
                                       s.text("pool.in_use_mean"), s.text("pool.limit_max"));
  if (s.has("pool.wait_ms.max"))
    told +=
        s.number("pool.wait_ms.max") < noticed_ms
            ? "; nobody had to wait for one"
            : fmt::format("; nobody waited more than {} ms for one", s.text("pool.wait_ms.max"));
  const std::string fate = neighbour_fate(s);
  if (!fate.empty())
    told += "; " + fate;
  return told + ".";
}

std::string only_numbers(const Facts &s) {
  std::string told = fmt::format("{} of {} requests succeeded", s.text("ok"), s.text("sent"));
  if (s.has("latency_ms.max"))
    told += fmt::format(", half of them within {} ms, the slowest in {} ms",
                        s.text("latency_ms.p50"), s.text("latency_ms.max"));
  if (s.number("failed_percent") > 0)
    told += "; " + failed_mostly(s);
  return told + ".";
}

// What was done on purpose; "" for a fault that this page does not know.
std::string fault_done(const std::string &name) {
  return name == "freeze"          ? "PostgreSQL was frozen"
         : name == "kill"          ? "PostgreSQL was down"
         : name == "terminate"     ? "Backends of the hosts' sessions were terminated"
         : name == "take"          ? "Another application sat on connections"
         : name == "slow-connects" ? "New connections were slow"
         : name == "leak"          ? "Connections leaked"
                                   : "";
}

// Whatever else there was to see, this is what the run was about.
std::string with_fault(const Facts &s, const std::string &done) {
  std::string told = fmt::format("{} for {} s in the middle", done, s.text("fault.seconds"));
  if (s.says("fault.name", "freeze") && s.has("pool.hold_ms.max"))
    told += fmt::format(", and who had a connection kept it, for up to {} ms",
                        s.text("pool.hold_ms.max"));
  if (s.number("pool.wait_ms.max") >= noticed_ms)
    told += fmt::format("; {} waited up to {} ms for a connection",
                        s.says("fault.name", "freeze") ? "others" : "requests",
                        s.text("pool.wait_ms.max"));
  return s.number("failed_percent") > 0 ? fmt::format("{}. {}.", told, failed_mostly(s))
                                        : told + ". None failed.";
}

std::string invalid(const json &summary) {
  const json reasons = at(summary, "guards.reasons");
  if (!reasons.is_array() || reasons.empty() || !reasons.front().is_string())
    return "This run proves nothing.";
  return fmt::format("This run proves nothing: {}.", reasons.front().get<std::string>());
}

// "" where it is a handful, as at the end of each run.
std::string still_open(const Facts &s) {
  return s.number("cut_off") * 100 >= s.number("sent") && s.number("cut_off") > 0
             ? fmt::format(" {} of {} requests were still open when the run ended.",
                           s.text("cut_off"), s.text("sent"))
             : "";
}

std::string cause(const Facts &s) {
  if (const std::string done = fault_done(s.word("fault.name")); !done.empty())
    return with_fault(s, done);
  const double failed = s.number("failed_percent");
  const double turned_away = s.number("pool.turned_away_percent");
  const bool green = s.says("grade", "green");
  if (s.has("server.max_connections") &&
      (s.number("failed.too_many_connections") > 0 || s.number("neighbour.refused") > 0))
    return ceiling(s);
  if (s.number("pool.in_use_mean") >= many_at_once &&
      s.number("pool.hold_ms.mean") >= inflated_ms &&
      s.number("pool.hold_ms.mean") >= inflated * s.number("pool.hold_ms.min"))
    return contention(s);
  if (turned_away > 0 && 2 * turned_away >= failed && s.at_its_limit())
    return too_few(s);
  if (failed > 0 && !s.has("pool.limit_max"))
    return only_numbers(s);
  if (failed >= 1)
    return broken(s);

  std::string told;
  // A wait of a tenth of the whole is one that a user feels.
  if (s.at_its_limit() && s.number("pool.wait_ms.mean") >= 0.1 * s.number("latency_ms.p50") &&
      s.number("pool.waiting_max") > 0)
    told = queue(s);
  else if (s.has("pool.limit_max") && (green || failed > 0))
    told = holds(s);
  else
    return only_numbers(s);
  if (failed > 0)
    told += fmt::format(" {}.", failed_mostly(s));
  return told;
}

} // namespace

std::string why(const json &summary) {
  const Facts s(summary);
  return s.says("verdict", "invalid") ? invalid(summary) : cause(s) + still_open(s);
}

} // namespace lab::load
