#include "loadtest/fault.hpp"

#include "db/open_files.hpp"
#include "loadtest/generator.hpp"
#include "loadtest/stub_host.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <thread>

#include <gtest/gtest.h>

namespace lab::load {
namespace {

using namespace std::chrono_literals;
using Clock = Fault::Clock;

// Blocks until its end, and counts what is done and undone.
struct Worked {
  std::atomic<int> done{0};
  std::atomic<int> undone{0};

  Fault fault(std::chrono::milliseconds from, std::chrono::milliseconds length) {
    return {"freeze", from, length, [this](Clock::time_point until, const std::stop_token &stop) {
              ++done;
              std::mutex mutex;
              std::condition_variable_any wake;
              std::unique_lock lock(mutex);
              wake.wait_until(lock, stop, until, [] { return false; });
              ++undone;
            }};
  }
};

bool eventually(const std::function<bool()> &holds) {
  const auto deadline = Clock::now() + 10s;
  while (!holds()) {
    if (Clock::now() > deadline)
      return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

TEST(Fault, IsTheMiddleThirdAndNeverLongerThanAMinute) {
  Fault fault;
  Profile profile;
  profile.warm_up = 2s;
  profile.measure = 12s;
  place_in_the_middle(fault, profile);
  EXPECT_EQ(fault.from, 6s);
  EXPECT_EQ(fault.length, 4s);
  profile.measure = 600s;
  place_in_the_middle(fault, profile);
  EXPECT_EQ(fault.from, 2s + 270s);
  EXPECT_EQ(fault.length, 60s);
}

TEST(Fault, IsToldAsItReallyWas) {
  Worked worked;
  const Fault fault = worked.fault(30ms, 40ms);
  FaultUnderWay under_way(fault, Clock::now(), {});
  ASSERT_TRUE(eventually([&] { return worked.undone == 1; }));
  const auto time = under_way.finish();
  ASSERT_TRUE(time);
  EXPECT_EQ(time->name, "freeze");
  EXPECT_GE(time->from, std::chrono::nanoseconds(30ms).count());
  EXPECT_GE(time->to, std::chrono::nanoseconds(70ms).count());
  EXPECT_EQ(under_way.problem(), "");
}

TEST(Fault, AStopUndoesItAtOnce) {
  Worked worked;
  const Fault fault = worked.fault(0ms, 1h);
  std::stop_source stop;
  FaultUnderWay under_way(fault, Clock::now(), stop.get_token());
  ASSERT_TRUE(eventually([&] { return worked.done == 1; }));
  stop.request_stop();
  EXPECT_TRUE(eventually([&] { return worked.undone == 1; })) << "before anybody finishes it";
  const auto time = under_way.finish();
  ASSERT_TRUE(time);
  EXPECT_LT(time->to, std::chrono::nanoseconds(1h).count());
}

TEST(Fault, TheRunsEndUndoesItHoweverItCame) {
  Worked worked;
  const Fault fault = worked.fault(0ms, 1h);
  try {
    const FaultUnderWay under_way(fault, Clock::now(), {});
    EXPECT_TRUE(eventually([&] { return worked.done == 1; }));
    throw std::runtime_error("the traffic broke off");
  } catch (const std::runtime_error &) {
    EXPECT_EQ(worked.undone, 1);
  }
}

TEST(Fault, ARunThatEndsBeforeItHadNone) {
  Worked worked;
  const Fault fault = worked.fault(1h, 1h);
  FaultUnderWay under_way(fault, Clock::now(), {});
  EXPECT_FALSE(under_way.finish());
  EXPECT_EQ(worked.done, 0);
  EXPECT_EQ(under_way.problem(), "");
}

TEST(Fault, WhatCannotBeDoneSaysWhy) {
  std::atomic<bool> tried{false};
  const Fault fault{"freeze", 0ms, 1h, [&](Clock::time_point, const std::stop_token &) {
                      tried = true;
                      throw std::runtime_error("PostgreSQL is not there");
                    }};
  FaultUnderWay under_way(fault, Clock::now(), {});
  ASSERT_TRUE(eventually([&] { return tried.load(); }));
  EXPECT_FALSE(under_way.finish());
  EXPECT_EQ(under_way.problem(), "PostgreSQL is not there");
}

// Requests pile up in a fault. That hosts refuse then is a result; that the generator does is none.
TEST(Fault, WhatPilesUpInItIsStillSent) {
  db::allow_open_files();
  StubHost host([](const StubRequest &request) {
    StubAnswer answer;
    answer.never = !request.path.starts_with("/api/");
    return answer;
  });
  Profile profile = profile_named("hold");
  profile.rate = 2000;
  profile.warm_up = 0ms;
  profile.measure = 400ms;
  Worked worked;
  Target target;
  target.ports = {host.port()};
  target.fault = worked.fault(0ms, 100ms);
  const RunResult result = run_load(profile, target, 1);
  EXPECT_GT(result.recorded.outstanding_peak, max_outstanding);
  EXPECT_EQ(result.recorded.capped, 0);
  EXPECT_EQ(result.summary["fault"]["name"], "freeze");
  EXPECT_EQ(result.run["fault"], result.summary["fault"]);
  EXPECT_EQ(worked.undone, 1);
}

} // namespace
} // namespace lab::load
