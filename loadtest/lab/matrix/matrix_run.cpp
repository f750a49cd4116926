#include "loadtest/lab/matrix/matrix_run.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <functional>
#include <utility>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "loadtest/figures.hpp"
#include "loadtest/lab/exit_status.hpp"

namespace lab::cli {
namespace {

using matrix::Folder;
using nlohmann::json;
using std::chrono::steady_clock;

// People are told by the lab itself.
class Silent : public benchmark::BenchmarkReporter {
  bool ReportContext(const Context &) override { return true; }
  void ReportRuns(const std::vector<Run> &) override {}
};

// The figures as Google Benchmark's counters. What a cell does not have (a p99, where more
// than 1 % failed) it does not have there either.
void count(benchmark::State &state, const json &summary) {
  for (const auto &[name, path] : std::initializer_list<std::pair<const char *, const char *>>{
           {"ok_per_second", "rate.ok"},
           {"offered_per_second", "rate.offered"},
           {"failed_percent", "failed_percent"},
           {"p50_ms", "latency_ms.p50"},
           {"p99_ms", "slo_p99_ms"},
           {"p99_sent_ms", "latency_sent_ms.p99"},
           {"max_open", "pool.max_open"},
           {"connection_seconds", "pool.connection_seconds"}})
    if (const json figure = load::at(summary, path); figure.is_number())
      state.counters[name] = figure.get<double>();
}

std::string minutes_text(std::chrono::duration<double> time) {
  return time < std::chrono::seconds(90) ? fmt::format("{:.0f} s", time.count())
                                         : fmt::format("{:.0f} min", time.count() / 60);
}

class MatrixRun {
public:
  MatrixRun(Folder &folder, CellRunner &runner, Terminal &terminal, const Interrupt &interrupt)
      : folder_(folder), runner_(runner), terminal_(terminal), interrupt_(interrupt),
        left_(folder.left()) {}

  void one(benchmark::State &state, std::size_t place) {
    if (ended_ || interrupt_.came()) {
      state.SkipWithError("not run: the matrix was ended before");
      return;
    }
    for ([[maybe_unused]] auto _ : state) {
      if (!folder_.summaries()[place] && !run(state, place))
        return;
      const json &summary = *folder_.summaries()[place];
      state.SetIterationTime(load::number_at(summary, "seconds"));
      count(state, summary);
      if (summary.value("verdict", "") == "invalid")
        state.SkipWithError(summary.value("why", "it proves nothing").c_str());
    }
  }

  void finish() const {
    if (ended_)
      std::rethrow_exception(ended_);
    interrupt_.check();
  }
  bool all_valid() const { return all_valid_; }

private:
  // False when the matrix ends here.
  bool run(benchmark::State &state, std::size_t place) {
    const matrix::Design &design = folder_.design();
    const matrix::Cell &cell = folder_.cells()[place];
    const matrix::Arm &arm = design.arms[cell.arm];
    const std::string name = matrix::name_of(design, cell);
    const std::string label = fmt::format("[{}/{}] {}", place + 1, folder_.cells().size(), name);
    try {
      const auto begun = steady_clock::now();
      load::RunResult result = runner_.run(
          {matrix::with_longer_holds(design.profiles[cell.profile], arm.longer_hold_percent),
           Choice{arm.strategy, arm.params}},
          cell.seed, label);
      if (const std::string unlike = folder_.unlike_the_others(place, result.summary);
          !unlike.empty())
        throw SetUpFailed(fmt::format(
            "{}: its runs can't be put together; scripts/lab matrix begins a new one", unlike));
      folder_.keep(place, result);
      all_valid_ = all_valid_ && result.summary.value("verdict", "") != "invalid";
      took_ += steady_clock::now() - begun;
      ++ran_;
      json shown = result.summary;
      shown["strategy"] = arm.name; // a twin is no strategy of another name
      terminal_.say(fmt::format("[{}/{}] {}{}", place + 1, folder_.cells().size(),
                                result_line(shown), time_left()));
      return true;
    } catch (...) {
      ended_ = std::current_exception();
      state.SkipWithError("not finished");
      return false;
    }
  }

  // By the mean of those that ran; of a filter it is not known how many it leaves.
  std::string time_left() const {
    const std::size_t left = left_ - ran_;
    return left == 0 ? ""
                     : fmt::format("; {} left", minutes_text(took_ / static_cast<double>(ran_) *
                                                             static_cast<double>(left)));
  }

  Folder &folder_;
  CellRunner &runner_;
  Terminal &terminal_;
  const Interrupt &interrupt_;
  const std::size_t left_;
  std::size_t ran_ = 0;
  std::chrono::duration<double> took_{};
  bool all_valid_ = true;
  std::exception_ptr ended_;
};

// The name grows by what is said of its iterations: "/iterations:1/manual_time".
void add(const std::string &name, const std::function<void(benchmark::State &)> &body) {
  benchmark::RegisterBenchmark(name.c_str(), body)
      ->Iterations(1)
      ->UseManualTime()
      ->Unit(benchmark::kSecond);
}

} // namespace

BenchmarkOptions::BenchmarkOptions(const std::vector<std::string> &words) {
  static std::vector<std::string> own{"lab"}; // Google Benchmark keeps a pointer into it
  for (const std::string &word : words) {
    constexpr std::string_view repetitions = "--benchmark_repetitions=";
    if (!word.starts_with("--benchmark_"))
      throw SetUpFailed(word + " is no option of lab matrix; see scripts/lab matrix --help");
    if (word.find("interleaving") != std::string::npos)
      throw SetUpFailed(word + ": the order is the matrix's own, drawn anew in each block");
    if (word.starts_with(repetitions))
      blocks_ = std::atoi(word.c_str() + repetitions.size());
    else
      own.push_back(word);
    lists_ = lists_ || (word.starts_with("--benchmark_list_tests") && !word.ends_with("=false"));
    prints_ = prints_ || word.starts_with("--benchmark_format");
  }
  std::vector<char *> arguments;
  for (std::string &word : own)
    arguments.push_back(word.data());
  int count = static_cast<int>(arguments.size());
  arguments.push_back(nullptr);
  benchmark::Initialize(&count, arguments.data());
  if (count > 1)
    throw SetUpFailed(fmt::format("{} is no option of Google Benchmark", arguments[1]));
}

void list_cells(const matrix::Design &design) {
  for (const matrix::Cell &cell : matrix::cells_of(design))
    add(matrix::name_of(design, cell), [](benchmark::State &state) { state.SkipWithError(""); });
  benchmark::RunSpecifiedBenchmarks();
}

bool run_cells(Folder &folder, CellRunner &runner, const BenchmarkOptions &options,
               Terminal &terminal, const Interrupt &interrupt) {
  MatrixRun run(folder, runner, terminal, interrupt);
  benchmark::AddCustomContext("matrix", folder.path().string());
  benchmark::AddCustomContext("seed", std::to_string(folder.design().seed));
  for (std::size_t place = 0; place < folder.cells().size(); ++place)
    add(matrix::name_of(folder.design(), folder.cells()[place]),
        [&run, place](benchmark::State &state) { run.one(state, place); });
  Silent silent;
  const std::size_t matched =
      benchmark::RunSpecifiedBenchmarks(options.prints() ? nullptr : &silent);
  benchmark::ClearRegisteredBenchmarks();
  if (matched == 0)
    throw SetUpFailed(
        "no run of this matrix matches that filter: --benchmark_list_tests lists them");
  run.finish();
  return run.all_valid();
}

} // namespace lab::cli
