// The core holds every promise through random schedules; the simulation that says so
// finds faults that are planted; and a seed is a replay, to the byte.
#include "host/pool/simulation/campaign.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <regex>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

namespace lab::pool::simulation {
namespace {

namespace fs = std::filesystem;

constexpr int events = 200;

// POOL_SIMULATION_SCHEDULES runs more (or fewer) than the 200,000 of every test run.
std::uint64_t schedules() {
  const char *stated = std::getenv("POOL_SIMULATION_SCHEDULES");
  return stated == nullptr ? 200'000 : std::strtoull(stated, nullptr, 10);
}

TEST(Simulation, EveryPromiseHoldsAndEveryEventMeetsEveryState) {
  const Found found =
      run_schedules(1, schedules(), events, std::max(1U, std::thread::hardware_concurrency()));
  ASSERT_FALSE(found.broken) << "seed " << found.broken->seed << ", event " << found.broken->events
                             << ": " << found.broken->what
                             << "\nagain: pool_simulation --replay --seed " << found.broken->seed;
  EXPECT_EQ(found.schedules, schedules());
  EXPECT_GE(found.coverage.events(), schedules() * events);
  std::printf("%s", found.coverage.table().c_str());
  for (std::size_t k = 0; k < kinds; ++k)
    for (std::size_t s = 0; s < states; ++s) {
      const auto kind = static_cast<Kind>(k);
      const auto state = static_cast<State>(s);
      EXPECT_EQ(found.coverage.at(kind, state) > 0, possible(kind, state))
          << name_of(kind) << " in state " << static_cast<char>('A' + s);
    }
}

TEST(Simulation, ASeedIsAReplayToTheByte) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const std::string told = replay(seed, events);
    EXPECT_EQ(replay(seed, events), told) << "seed " << seed;
    EXPECT_GE(std::count(told.begin(), told.end(), '\n'), events);
  }
  EXPECT_NE(replay(1, events), replay(2, events));
}

// ---- it bites ----

struct Ended {
  int status;
  std::string out;
};

Ended run(const std::string &command) {
  Ended ended;
  FILE *pipe = ::popen(command.c_str(), "r");
  std::array<char, 4096> piece{};
  for (std::size_t n = 0; (n = std::fread(piece.data(), 1, piece.size(), pipe)) > 0;)
    ended.out.append(piece.data(), n);
  const int status = ::pclose(pipe);
  ended.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return ended;
}

std::vector<std::string> planted() {
  std::vector<std::string> names;
  for (const auto &one : fs::directory_iterator(POOL_FAULTS))
    names.push_back(one.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

class PlantedFault : public testing::TestWithParam<std::string> {};

// From ten places in the sequence of seeds, each far from the others.
TEST_P(PlantedFault, IsFoundWithinTenThousandSchedulesFromTenSeeds) {
  const std::string program = fmt::format("'{}/{}'", POOL_FAULTS, GetParam());
  std::uint64_t most = 0;
  std::string what;
  for (std::uint64_t i = 1; i <= 10; ++i) {
    const std::uint64_t from = i * 1'000'000'007;
    const Ended found =
        run(fmt::format("{} --threads 1 --schedules 10000 --seed {}", program, from));
    ASSERT_EQ(found.status, 1) << "from seed " << from << ":\n" << found.out;
    std::smatch match;
    ASSERT_TRUE(
        std::regex_search(found.out, match, std::regex("seed ([0-9]+), event [0-9]+: (.*)")))
        << found.out;
    const std::uint64_t seed = std::stoull(match[1]);
    most = std::max(most, seed - from + 1);
    what = match[2];
    if (i > 1)
      continue;
    const std::string again = fmt::format("{} --replay --seed {}", program, seed);
    const Ended first = run(again);
    EXPECT_EQ(first.status, 1);
    EXPECT_EQ(first.out, run(again).out) << "a replay is the same to the byte";
    EXPECT_NE(first.out.find("!! " + what), std::string::npos) << "and breaks the same promise";
  }
  std::printf("found after at most %llu schedules: %s\n", static_cast<unsigned long long>(most),
              what.c_str());
}

INSTANTIATE_TEST_SUITE_P(Simulation, PlantedFault, testing::ValuesIn(planted()),
                         [](const auto &fault) { return fault.param; });

TEST(PlantedFaults, AreAtLeastTwelve) {
  EXPECT_GE(planted().size(), 12U);
}

} // namespace
} // namespace lab::pool::simulation
