#include "loadtest/generator.hpp"

#include "loadtest/machine.hpp"
#include "loadtest/neighbour.hpp"
#include "loadtest/processor.hpp"
#include "loadtest/profile_json.hpp"
#include "loadtest/schedule.hpp"
#include "loadtest/summary.hpp"
#include "loadtest/traffic.hpp"

#include <algorithm>
#include <condition_variable>
#include <ctime>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace lab::load {
namespace {

using Clock = Traffic::Clock;
using std::chrono::milliseconds;

// Between the last preparations and the first request: time for the threads to
// be there.
constexpr milliseconds lead{20};

// How often the neighbour application wants its connection.
constexpr milliseconds neighbour_every{150};

// Reads, beside the traffic, who uses the processors: at the start of the
// measured time, then each second, and at its end.
class ProcessorDiary {
public:
  ProcessorDiary(const ProcessorWatch &watch, Clock::time_point from, Clock::time_point to)
      : thread_([this, &watch, from, to](std::stop_token stop) {
          keep(watch, from, to, std::move(stop));
        }) {}

  const std::vector<ProcessorReading> &finish() {
    thread_.request_stop();
    if (thread_.joinable())
      thread_.join();
    return readings_;
  }

private:
  void keep(const ProcessorWatch &watch, Clock::time_point from, Clock::time_point to,
            std::stop_token stop) {
    std::mutex mutex;
    std::condition_variable_any wake;
    for (Clock::time_point next = from;;
         next = std::min(next + std::chrono::seconds(1), std::max(to, next))) {
      {
        std::unique_lock lock(mutex);
        wake.wait_until(lock, stop, next, [] { return false; });
      }
      if (stop.stop_requested() && Clock::now() < from)
        return;
      readings_.push_back(watch.read());
      if (stop.stop_requested() || Clock::now() >= to)
        return;
    }
  }

  std::vector<ProcessorReading> readings_; // of the thread; read after it ended
  std::jthread thread_;
};

void check_target(const Target &target) {
  if (target.host != "127.0.0.1")
    throw std::invalid_argument(fmt::format(
        "only 127.0.0.1 is loaded, not '{}': this is a lab, not a weapon", target.host));
  if (target.ports.empty())
    throw std::invalid_argument("no port to load: name the host's");
  if (std::find(target.ports.begin(), target.ports.end(), 0) != target.ports.end())
    throw std::invalid_argument("port 0 can't be loaded: name the host's");
}

std::string utc(std::chrono::system_clock::time_point at) {
  const std::time_t now = std::chrono::system_clock::to_time_t(at);
  std::tm utc{};
  gmtime_r(&now, &utc);
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", utc);
}

nlohmann::json asked(const Profile &profile, const Target &target, std::uint64_t seed) {
  nlohmann::json all = json_of(profile);
  all["neighbour"] = profile.neighbour && !target.neighbour_conninfo.empty();
  all["seed"] = seed;
  all["ports"] = target.ports;
  return all;
}

// What of a host's answer identifies the strategy in force.
nlohmann::json identity(const nlohmann::json &pool) {
  return {{"strategy", pool.value("strategy", nlohmann::json())},
          {"state", pool.value("strategy_state", nlohmann::json())},
          {"generation", pool.value("generation", nlohmann::json())}};
}

std::vector<nlohmann::json> timeline_of(const Recorded &recorded) {
  const auto ms = [](std::int64_t ns) { return ns / 1'000'000; };
  std::vector<nlohmann::json> timeline;
  std::map<unsigned short, nlohmann::json> in_force;
  for (const PoolSample &sample : recorded.samples) {
    nlohmann::json now = identity(sample.pool);
    nlohmann::json &before = in_force[sample.port];
    if (before != now) {
      nlohmann::json event = now;
      event["t_ms"] = ms(sample.at);
      event["kind"] = "strategy";
      event["port"] = sample.port;
      timeline.push_back(std::move(event));
      before = std::move(now);
    }
    timeline.push_back(
        {{"t_ms", ms(sample.at)}, {"kind", "pool"}, {"port", sample.port}, {"pool", sample.pool}});
  }
  for (const ProcessorUse &use : recorded.processor)
    timeline.push_back({{"t_ms", ms(use.to)},
                        {"kind", "processor"},
                        {"from_ms", ms(use.from)},
                        {"postgres_cores", use.postgres},
                        {"host_cores", use.host},
                        {"generator_cores", use.generator},
                        {"others_cores", use.others}});
  std::stable_sort(timeline.begin(), timeline.end(),
                   [](const nlohmann::json &a, const nlohmann::json &b) {
                     return a["t_ms"].get<std::int64_t>() < b["t_ms"].get<std::int64_t>();
                   });
  return timeline;
}

} // namespace

RunResult run_load(const Profile &profile, const Target &target, std::uint64_t seed,
                   const OnProgress &progress, std::stop_token stop) {
  check_target(target);
  const Schedule schedule = make_schedule(profile, seed);

  RunResult result;
  result.run = {{"asked", asked(profile, target, seed)},
                {"schedule", fingerprint_text(schedule.fingerprint)},
                {"machine", machine_facts()},
                {"facts", target.facts}};
  Recorded &recorded = result.recorded;
  recorded.profile = profile;
  recorded.seed = seed;
  recorded.fingerprint = schedule.fingerprint;
  recorded.postgres_known = target.postgres_pid != 0;
  recorded.cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));

  Traffic traffic(profile, schedule, target);
  recorded.strategy = traffic.ask_strategy();

  const Clock::time_point start = Clock::now() + lead;
  const auto started = std::chrono::system_clock::now() + lead;
  recorded.started_ms = std::chrono::floor<milliseconds>(started.time_since_epoch()).count();
  result.run["started"] = utc(started);
  result.run["started_ms"] = recorded.started_ms;
  const Clock::time_point measured_from = start + profile.warm_up;
  const Clock::time_point end = start + profile.total();
  const ProcessorWatch watch(target.postgres_pid, target.host_pids);
  ProcessorDiary diary(watch, measured_from, end);
  std::optional<Neighbour> neighbour;
  if (profile.neighbour && !target.neighbour_conninfo.empty())
    neighbour.emplace(target.neighbour_conninfo, neighbour_every, measured_from, end);
  std::optional<FaultUnderWay> fault;
  if (target.fault)
    fault.emplace(*target.fault, start, stop);

  traffic.run(start, progress, stop, recorded);
  if (fault)
    recorded.fault = fault->finish();
  result.run["ended"] = utc(std::chrono::system_clock::now());

  const std::vector<ProcessorReading> &readings = diary.finish();
  for (std::size_t i = 1; i < readings.size(); ++i)
    recorded.processor.push_back(ProcessorWatch::between(readings[i - 1], readings[i], start));
  if (readings.size() > 1)
    recorded.processor_measured = ProcessorWatch::between(readings.front(), readings.back(), start);
  if (neighbour)
    recorded.neighbour = neighbour->stop();

  result.summary = summarise(recorded);
  result.summary["hosts"] = target.ports.size();
  if (fault && !fault->problem().empty())
    mark_invalid(result.summary,
                 fmt::format("the {} could not be done: {}", target.fault->name, fault->problem()));
  result.run["fault"] = result.summary["fault"];
  result.histograms = histograms_of(recorded);
  result.timeline = timeline_of(recorded);
  return result;
}

} // namespace lab::load
