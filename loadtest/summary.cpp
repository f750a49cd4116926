#include "loadtest/summary.hpp"

#include "loadtest/figures.hpp"
#include "loadtest/pool_view.hpp"
#include "loadtest/why.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace lab::load {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

// A run that can't keep these proves nothing. The lag is generous: with some
// hundred busy processes on two cores a timer alone is late by 2 ms.
constexpr double least_sent_percent = 98;
constexpr double most_lag_p99_ms = 10;
constexpr double most_loop_percent = 90;   // of a core, by the generator's one thread
constexpr double most_others_percent = 60; // of the whole machine, closed model
constexpr double most_held_percent = 125;  // of the stated hold, while others are busy

// From here on, after the first request, a strategy that moves has settled.
constexpr std::int64_t settling = 3'000'000'000;

// The sample that belongs to the end is asked for at the end, not before it.
constexpr std::int64_t sample_grace = 150'000'000;

double ms(nanoseconds value) {
  return rounded(static_cast<double>(value.count()) / 1e6);
}

// Warm-up is left out by when a request was due, so a request that was due in
// it and answered after it judges nothing.
struct Window {
  std::int64_t from = 0;
  std::int64_t to = 0;
  explicit Window(const Recorded &recorded)
      : from(nanoseconds(recorded.profile.warm_up).count()),
        to(std::max(from, recorded.ended_sending)) {}
  bool holds(const RequestLine &line) const { return line.due >= from && line.due < to; }
};

std::string name_of(const json &strategy) {
  const json name = at(strategy, "name");
  return name.is_string() ? name.get<std::string>() : "";
}

struct Counts {
  std::uint64_t offered = 0;
  std::uint64_t sent = 0;
  std::uint64_t ok = 0;
  std::uint64_t cut_off = 0;

  void add(const RequestLine &line) {
    ++offered;
    if (line.taken < 0)
      return;
    ++sent;
    if (line.cut_off)
      ++cut_off;
    else if (line.outcome == 0)
      ++ok;
  }
  std::uint64_t finished() const { return sent - cut_off; }
  std::uint64_t failed() const { return finished() - ok; }
  double failed_percent() const {
    return percent(static_cast<double>(failed()), static_cast<double>(finished()));
  }
};

bool has_failed(const RequestLine &line) {
  return line.taken >= 0 && !line.cut_off && line.outcome != 0;
}

json quantiles(const Histogram &histogram) {
  if (histogram.count() == 0)
    return {
        {"p50", nullptr}, {"p90", nullptr}, {"p99", nullptr}, {"p999", nullptr}, {"max", nullptr}};
  return {{"p50", ms(histogram.quantile(500))},
          {"p90", ms(histogram.quantile(900))},
          {"p99", ms(histogram.quantile(990))},
          {"p999", ms(histogram.quantile(999))},
          {"max", ms(histogram.max())}};
}

// Of all requests: one that failed, or was still open at the end, took longer than anybody would
// have waited. Nothing where more than 1 % did.
json p99_of_all(const Histogram &succeeded, std::uint64_t failed) {
  if (succeeded.count() == 0 || failed * 100 > succeeded.count() + failed)
    return nullptr;
  Histogram all = succeeded;
  all.record(Histogram::largest, failed);
  return ms(all.quantile(990));
}

// As if those that were still open at the end had been answered then: the least that it can be.
double least_p99_ms(const std::map<std::string, Histogram> &histograms) {
  Histogram all = histograms.at("latency");
  all.merge(histograms.at("cut_off"));
  return all.count() == 0 ? 0 : ms(all.quantile(990));
}

json spread(const Histogram &histogram) {
  if (histogram.count() == 0)
    return {
        {"mean", nullptr}, {"min", nullptr}, {"p50", nullptr}, {"p99", nullptr}, {"max", nullptr}};
  return {{"mean", rounded(histogram.mean_ms())},
          {"min", ms(histogram.min())},
          {"p50", ms(histogram.quantile(500))},
          {"p99", ms(histogram.quantile(990))},
          {"max", ms(histogram.max())}};
}

json by_second(const Recorded &recorded, const Window &window) {
  const auto seconds =
      static_cast<std::size_t>((window.to - window.from + 999'999'999) / 1'000'000'000);
  std::vector<Counts> counts(seconds);
  for (const RequestLine &line : recorded.requests)
    if (window.holds(line))
      counts[static_cast<std::size_t>((line.due - window.from) / 1'000'000'000)].add(line);
  json list = json::array();
  for (const Counts &count : counts)
    list.push_back({{"offered", count.offered}, {"ok", count.ok}, {"failed", count.failed()}});
  return list;
}

json settled(const Recorded &recorded, const Window &window) {
  std::int64_t first = recorded.ended_sending;
  for (const RequestLine &line : recorded.requests)
    first = std::min(first, line.due);
  const std::int64_t from = std::max(window.from, first + settling);
  Counts counts;
  for (const RequestLine &line : recorded.requests)
    if (window.holds(line) && line.due >= from)
      counts.add(line);
  return {{"from_seconds", rounded(static_cast<double>(from) / 1e9)},
          {"offered", counts.offered},
          {"ok", counts.ok},
          {"failed", counts.failed()},
          {"cut_off", counts.cut_off},
          {"failed_percent", counts.failed_percent()}};
}

json pool_of(const PoolView &view, const json &summary,
             const std::map<std::string, Histogram> &histograms) {
  const Histogram &wait = histograms.at("wait");
  const Histogram &hold = histograms.at("hold");
  const bool seen = view.samples > 0;
  json pool = {
      {"limit", seen ? json(view.limit) : json()},
      {"limit_min", seen ? json(view.limit_min) : json()},
      {"limit_max", seen ? json(view.limit_max) : json()},
      {"at_limit_percent", seen ? json(percent(view.samples_at_limit, view.samples)) : json()},
      {"max_in_use", seen ? json(view.max_in_use) : json()},
      {"max_open", seen ? json(view.max_open) : json()},
      {"in_use_mean", seen ? json(rounded(view.in_use_mean)) : json()},
      {"waiting_max", seen ? json(view.max_waiting) : json()},
      {"connection_seconds", seen ? json(rounded(view.connection_seconds)) : json()},
      {"wait_ms", spread(wait)},
      {"hold_ms", spread(hold)},
      {"counts", view.counts}};
  // Little's law, from the rounded factors, so that a reader can check it. With
  // users who wait for their answers it would only say what was in use.
  pool["needed"] =
      summary["model"] == "open" && hold.count() > 0
          ? json(rounded(number_at(summary, "rate.offered") * rounded(hold.mean_ms()) / 1000))
          : json();
  const double turned_away =
      number_at(summary, "failed.pool_timeout") + number_at(summary, "failed.pool_rejected");
  pool["turned_away_percent"] = percent(turned_away, number_at(summary, "sent"));
  return pool;
}

std::string of_route(Route route) {
  return fmt::format("latency:{}", route_name(route));
}

std::string of_code(const std::string &code) {
  return fmt::format("latency_failed:{}", code);
}

// What became of the requests of each route.
json routes_of(const Recorded &recorded, const Window &window,
               const std::map<std::string, Histogram> &histograms) {
  struct Sums {
    Counts counts;
    std::map<std::string, std::uint64_t> failed;
  };
  std::map<Route, Sums> routes;
  for (const RequestLine &line : recorded.requests) {
    if (!window.holds(line))
      continue;
    Sums &sums = routes[line.choice.route];
    sums.counts.add(line);
    if (has_failed(line))
      ++sums.failed[recorded.codes.at(line.outcome)];
  }
  json all = json::object();
  for (const auto &[route, sums] : routes) {
    const auto latency = histograms.find(of_route(route));
    all[std::string(route_name(route))] = {
        {"sent", sums.counts.sent},
        {"ok", sums.counts.ok},
        {"failed", sums.failed},
        {"cut_off", sums.counts.cut_off},
        {"latency_ms", quantiles(latency == histograms.end() ? Histogram() : latency->second)}};
  }
  return all;
}

// How long those took that ended with each code: a quick refusal is another experience than a
// long wait for nothing.
json codes_of(const std::map<std::string, std::uint64_t> &failed,
              const std::map<std::string, Histogram> &histograms) {
  json all = json::object();
  for (const auto &[code, count] : failed)
    all[code] = {{"count", count}, {"latency_ms", quantiles(histograms.at(of_code(code)))}};
  return all;
}

json fault_of(const Recorded &recorded) {
  if (!recorded.fault)
    return nullptr;
  const FaultTime &fault = *recorded.fault;
  return {{"name", fault.name},
          {"from_s", rounded(static_cast<double>(fault.from) / 1e9)},
          {"seconds", rounded(static_cast<double>(fault.to - fault.from) / 1e9)}};
}

json processor_of(const Recorded &recorded, bool postgres_known) {
  const ProcessorUse &use = recorded.processor_measured;
  return {{"cores", recorded.cores},
          {"postgres_cores", postgres_known ? json(rounded(use.postgres)) : json()},
          {"postgres_percent", postgres_known ? json(rounded(100 * use.postgres)) : json()},
          {"host_cores", rounded(use.host)},
          {"generator_cores", rounded(use.generator)},
          {"others_cores", rounded(use.others)}};
}

// Who took the processor, if something did.
std::string blame(const json &guards) {
  if (number_at(guards, "others_cores") < 0.3)
    return "";
  const std::string name = guards.at("top_other").get<std::string>();
  if (name.empty() || number_at(guards, "top_other_cores") < 0.1)
    return fmt::format("; programs that can't be seen from here used {} of a core",
                       shown(guards.at("others_cores")));
  return fmt::format("; other programs used {} of a core, most of all {} ({})",
                     shown(guards.at("others_cores")), name, shown(guards.at("top_other_cores")));
}

std::string settings_sentence(const PoolView &view) {
  std::vector<std::string> changed;
  for (const auto &[name, how] : view.settings_changed)
    changed.push_back(name + " " + how);
  return fmt::format("{} changed in mid-run: {}", changed.size() == 1 ? "a setting" : "settings",
                     fmt::join(changed, ", "));
}

// Why a run proves nothing: a word for programs, a sentence for people.
struct Reason {
  std::string code;
  std::string sentence;
};

std::vector<Reason> reasons_against(const json &summary, const Recorded &recorded,
                                    const PoolView &view) {
  const json &guards = summary.at("guards");
  const auto n = [&](const char *path) { return number_at(summary, path); };
  std::vector<Reason> reasons;
  const auto against = [&reasons](const char *code, std::string sentence) {
    reasons.push_back({code, std::move(sentence)});
  };
  if (n("sent") == 0)
    against("nothing_sent", "nothing was sent in the measured time");

  if (recorded.capped > 0)
    against("not_sent", fmt::format("{} requests were not sent, since {} were outstanding",
                                    recorded.capped, shown(guards.at("outstanding_peak"))));
  else if (recorded.profile.model == Model::open && n("sent") > 0 &&
           n("guards.sent_percent") < least_sent_percent)
    against("not_sent", fmt::format("the generator sent only {} % of what was due",
                                    shown(guards.at("sent_percent"))));
  if (recorded.profile.model == Model::open && n("guards.lag_ms.p99") > most_lag_p99_ms)
    against("lag", fmt::format("the generator could not keep its schedule: requests went out "
                               "{} ms late and more{}",
                               shown(guards.at("lag_ms").at("p99")), blame(guards)));
  if (n("guards.loop_percent") > most_loop_percent)
    against("generator_busy",
            fmt::format("the generator itself was the bottleneck: its thread used {} % "
                        "of a core{}",
                        shown(guards.at("loop_percent")), blame(guards)));
  // A closed loop has no schedule to fall behind, so what slows it must be seen
  // here. Work that sleeps most of the time isn't hurt unless the sleep got longer.
  const double stated_ms = static_cast<double>(recorded.profile.hold.count());
  // A fault makes some of them far longer, but not the half of them.
  const double held_ms = n(recorded.fault ? "pool.hold_ms.p50" : "pool.hold_ms.mean");
  const bool slowed = stated_ms == 0 || held_ms > stated_ms * most_held_percent / 100;
  // Where PostgreSQL is not the lab's to look at, it may be on this machine too, among
  // the others.
  if (recorded.profile.model == Model::closed && slowed && recorded.postgres_known &&
      n("guards.others_percent") > most_others_percent)
    against("machine_busy", fmt::format("the machine was busy with something else ({} % of it){}",
                                        shown(guards.at("others_percent")), blame(guards)));

  const double failed_at_start = n("failed.db_unavailable") + n("failed.connect_failed") +
                                 n("failed.client_timeout") + n("cut_off");
  if (n("ok") == 0 && n("sent") > 0 && failed_at_start >= 0.9 * n("sent")) {
    if (n("failed.db_unavailable") + n("failed.connect_failed") == 0)
      against("no_answer", "no request was answered in the whole run");
    else if (n("failed.db_unavailable") >= n("failed.connect_failed"))
      against("database_away", "the database could not be reached in the whole run");
    else
      against("host_away", "the host could not be reached in the whole run");
  }
  if (view.strategy_changes > 0)
    against("strategy_changed",
            fmt::format("the strategy changed in mid-run, to {}", view.changed_to));
  if (view.setting_changes > 0)
    against("setting_changed", settings_sentence(view));
  return reasons;
}

void note(json &summary, const Reason &reason) {
  summary["guards"]["reasons"].push_back(reason.sentence);
  summary["guards"]["codes"].push_back(reason.code);
}

void judge(json &summary) {
  const bool invalid = !summary["guards"]["reasons"].empty();
  summary["verdict"] = invalid ? "invalid" : summary["grade"] == "red" ? "fail" : "pass";
  summary["why"] = why(summary);
}

} // namespace

std::map<std::string, Histogram> histograms_of(const Recorded &recorded) {
  std::map<std::string, Histogram> all;
  for (const char *name :
       {"latency", "latency_sent", "latency_failed", "cut_off", "wait", "hold", "lag"})
    all[name];
  const Window window(recorded);
  for (const RequestLine &line : recorded.requests) {
    if (!window.holds(line) || line.taken < 0)
      continue;
    all["lag"].record(nanoseconds(line.taken - line.due));
    const nanoseconds from_due(line.done - line.due);
    if (line.cut_off) {
      all["cut_off"].record(from_due);
    } else if (line.outcome == 0) {
      all["latency"].record(from_due);
      all["latency_sent"].record(nanoseconds(line.done - line.sent));
      all[of_route(line.choice.route)].record(from_due);
    } else {
      all["latency_failed"].record(from_due);
      all[of_code(recorded.codes.at(line.outcome))].record(from_due);
    }
    if (line.wait >= 0)
      all["wait"].record(nanoseconds(line.wait));
    if (line.hold >= 0)
      all["hold"].record(nanoseconds(line.hold));
  }
  return all;
}

Grade grade_of(std::uint64_t finished, std::uint64_t failed, double p99_ms) {
  if (finished == 0 || failed * 10 > finished || p99_ms > 2000)
    return Grade::red;
  if (failed > 0 || p99_ms > 500)
    return Grade::yellow;
  return Grade::green;
}

std::string_view grade_name(Grade grade) {
  return grade == Grade::green ? "green" : grade == Grade::yellow ? "yellow" : "red";
}

json summarise(const Recorded &recorded) {
  const Window window(recorded);
  const std::map<std::string, Histogram> histograms = histograms_of(recorded);
  const PoolView view = view_pool(recorded, window.from, window.to + sample_grace);
  const double seconds = static_cast<double>(window.to - window.from) / 1e9;
  const Profile &profile = recorded.profile;

  Counts counts;
  std::map<std::string, std::uint64_t> failed;
  for (const RequestLine &line : recorded.requests) {
    if (!window.holds(line))
      continue;
    counts.add(line);
    if (has_failed(line))
      ++failed[recorded.codes.at(line.outcome)];
  }
  const auto main_failure =
      std::max_element(failed.begin(), failed.end(),
                       [](const auto &a, const auto &b) { return a.second < b.second; });
  const auto sent = static_cast<double>(counts.sent);
  const auto per_second = [&](std::uint64_t count) {
    return seconds > 0 ? rounded(static_cast<double>(count) / seconds) : 0;
  };

  json summary;
  summary["strategy"] = view.strategy.empty() ? name_of(recorded.strategy) : view.strategy;
  const json params = view.params.is_object() ? view.params : at(recorded.strategy, "params");
  summary["params"] = params.is_object() ? params : json::object();
  summary["build"] = at(recorded.strategy, "build");
  summary["profile"] = profile.name;
  summary["model"] = model_name(profile.model);
  summary["users"] = profile.model == Model::closed ? json(profile.users) : json();
  summary["rate_asked"] = profile.model == Model::open ? json(profile.rate) : json();
  summary["hold_ms"] = profile.hold.count() > 0 ? json(profile.hold.count()) : json();
  summary["seed"] = recorded.seed;
  summary["schedule"] = fingerprint_text(recorded.fingerprint);
  summary["started_ms"] = recorded.started_ms;
  summary["seconds"] = rounded(seconds);
  summary["stopped"] = recorded.stopped;
  summary["offered"] = counts.offered;
  summary["sent"] = counts.sent;
  summary["retries"] = recorded.retries;
  summary["ok"] = counts.ok;
  summary["failed"] = failed;
  summary["cut_off"] = counts.cut_off;
  summary["failed_percent"] = counts.failed_percent();
  summary["failed_main"] = main_failure == failed.end()
                               ? json()
                               : json{{"code", main_failure->first},
                                      {"count", main_failure->second},
                                      {"percent", percent(static_cast<double>(main_failure->second),
                                                          static_cast<double>(counts.finished()))}};
  summary["rate"] = {{"offered", per_second(counts.offered)},
                     {"achieved", per_second(counts.sent)},
                     {"ok", per_second(counts.ok)}};
  summary["latency_ms"] = quantiles(histograms.at("latency"));
  summary["latency_sent_ms"] = quantiles(histograms.at("latency_sent"));
  summary["latency_failed_ms"] = quantiles(histograms.at("latency_failed"));
  summary["routes"] = routes_of(recorded, window, histograms);
  summary["codes"] = codes_of(failed, histograms);
  summary["slo_p99_ms"] = p99_of_all(histograms.at("latency"), counts.failed() + counts.cut_off);
  summary["pool"] = pool_of(view, summary, histograms);
  summary["server"] = view.server_known ? json{{"max_connections", view.max_connections},
                                               {"reserved", view.reserved},
                                               {"available", view.max_connections - view.reserved},
                                               {"total_max", view.server_total_max}}
                                        : json();
  summary["neighbour"] = recorded.neighbour ? json{{"tried", recorded.neighbour->tried},
                                                   {"refused", recorded.neighbour->refused},
                                                   {"failed", recorded.neighbour->failed}}
                                            : json();
  summary["processor"] = processor_of(recorded, recorded.postgres_known);
  summary["fault"] = fault_of(recorded);
  summary["by_second"] = by_second(recorded, window);
  summary["settled"] = settled(recorded, window);
  summary["grade"] =
      grade_name(grade_of(counts.finished(), counts.failed(), least_p99_ms(histograms)));

  const ProcessorUse &use = recorded.processor_measured;
  summary["guards"] = {{"sent_percent", percent(sent, static_cast<double>(counts.offered))},
                       {"not_sent", counts.offered - counts.sent},
                       {"lag_ms", quantiles(histograms.at("lag"))},
                       {"outstanding_peak", recorded.outstanding_peak},
                       {"loop_percent", rounded(100 * recorded.loop_cores)},
                       {"others_cores", rounded(use.others)},
                       {"others_percent", percent(use.others, recorded.cores)},
                       {"top_other", use.top_other},
                       {"top_other_cores", rounded(use.top_other_cores)},
                       {"strategy_changes", view.strategy_changes},
                       {"setting_changes", view.setting_changes},
                       {"pool_samples", view.samples},
                       {"limits",
                        {{"sent_percent", least_sent_percent},
                         {"lag_p99_ms", most_lag_p99_ms},
                         {"loop_percent", most_loop_percent},
                         {"others_percent", most_others_percent},
                         {"held_percent", most_held_percent}}}};
  summary["guards"]["reasons"] = json::array();
  summary["guards"]["codes"] = json::array();
  for (const Reason &reason : reasons_against(summary, recorded, view))
    note(summary, reason);
  judge(summary);
  return summary;
}

void mark_invalid(json &summary, const std::string &reason) {
  note(summary, {"marked", reason});
  judge(summary);
}

} // namespace lab::load
