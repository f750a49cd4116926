// A strategy that faults or hangs in the running host is contained: the host
// lives, the pool goes on, and the last good strategy is put back.
#include "host/containment.hpp"
#include "host/strategy_service.hpp"
#include "host/test_waiting.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <pthread.h>

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

namespace lab::host {
namespace {

using namespace std::chrono_literals;

// A service that lets bad strategies through, over a pool without a database.
struct Lab {
  Lab() {
    char made[] = "/tmp/pool-lab-contain-XXXXXX";
    copies = ::mkdtemp(made);
    StrategyService::Options options;
    options.folders = {POOL_LAB_STRATEGIES, POOL_LAB_BAD_STRATEGIES, POOL_LAB_FIXTURES};
    options.copies = copies;
    options.verifier = POOL_LAB_VERIFIER;
    options.verify = false;
    options.on_event = [this](const StrategyEvent &event) {
      const std::lock_guard lock(events_mutex);
      events.push_back(event);
    };
    service = std::make_unique<StrategyService>(clock, pool, options, [] { return std::nullopt; });
  }
  ~Lab() {
    end();
    std::filesystem::remove_all(copies);
  }

  // Ends the service, as the host does; this program too where that hangs.
  void end() {
    std::promise<void> ended;
    std::thread ending([&] {
      service.reset();
      ended.set_value();
    });
    if (ended.get_future().wait_for(30s) != std::future_status::ready) {
      std::fprintf(stderr, "the service does not end\n");
      std::_Exit(1); // its threads can't be ended
    }
    ending.join();
  }

  bool has_copy_of(const std::string &name) const {
    std::filesystem::directory_iterator all(copies);
    return std::any_of(all, std::filesystem::directory_iterator(), [&](const auto &copy) {
      return copy.path().filename().string().rfind(name + ".", 0) == 0;
    });
  }

  std::vector<StrategyEvent> all_events() {
    const std::lock_guard lock(events_mutex);
    return events;
  }

  Clock clock;
  std::mutex events_mutex;
  std::vector<StrategyEvent> events;
  LivePool pool{clock, "host=/nonexistent dbname=none user=none", 1};
  std::filesystem::path copies;
  std::unique_ptr<StrategyService> service;
};

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) // their allocators are others
TEST(Containment, TaintsTheHostWhoseMemoryIsDamagedAndSaysWhatTheCLibrarySaid) {
  install_containment();
  Lab lab;
  (void)lab.service->use("bounded_timeout", {});
  EXPECT_THROW((void)lab.service->use("double_free", {}), StrategyRefused);
  EXPECT_TRUE(comes_true([&] { return lab.service->status().tainted; }));
  EXPECT_EQ(lab.service->status().tainted_by, "double_free");
  EXPECT_NE(lab.service->status().problem.find("double free"), std::string::npos)
      << lab.service->status().problem;
}
#endif

class Contained : public ::testing::TestWithParam<const char *> {};

TEST_P(Contained, TheHostLivesAndTheLastGoodOneIsPutBack) {
  static const bool installed = (install_containment(), true);
  (void)installed;
  Lab lab;
  (void)lab.service->use("fixed_tiny", {});
  (void)lab.service->use("bounded_timeout", {{"max", 23}});

  // Requests go on: some strategies fall only then, and what a parked thread
  // holds must not be what they need.
  std::atomic<bool> stop{false};
  std::thread busy([&] {
    while (!stop) {
      (void)lab.pool.acquire(lab.clock.now() + 1ms, "test");
      std::vector<std::string>(100, std::string(100, 'x')).clear();
    }
  });
  try {
    (void)lab.service->use(GetParam(), {});
  } catch (const StrategyRefused &) {
    // It fell at once. One that looks well at first falls later; both are fine.
  }
  EXPECT_TRUE(comes_true([&] {
    const StrategyStatus status = lab.service->status();
    return status.contained == 1 && status.name == "bounded_timeout" &&
           status.state == StrategyState::contained;
  })) << lab.service->status().name
      << ": " << lab.service->status().problem;
  EXPECT_NE(lab.service->status().problem.find(GetParam()), std::string::npos);
  EXPECT_TRUE(lab.has_copy_of(GetParam())) << "for whoever looks for what went wrong";
  if (const std::string kind = GetParam(); kind == "crash_in_look" || kind == "hang_in_look") {
    EXPECT_NE(lab.service->status().problem.find(", at 0x"), std::string::npos)
        << lab.service->status().problem;
  }
  EXPECT_FALSE(lab.service->status().tainted);
  EXPECT_EQ(lab.pool.snapshot().plan.max_in_use, 23U) << "with its parameters";
  stop = true;
  busy.join();

  // Asked for by its name, what was put back is what is wanted.
  (void)lab.service->use("bounded_timeout", {});
  EXPECT_EQ(lab.service->status().state, StrategyState::ok);
  EXPECT_EQ(lab.service->status().problem, "");

  // And the lab goes on: an ordinary swap works.
  (void)lab.service->use("fixed_tiny", {});
  EXPECT_EQ(lab.service->status().state, StrategyState::ok);
  EXPECT_EQ(lab.pool.snapshot().plan.max_in_use, 3U);
}

// The governor falls at a look of its own while orders come: whoever gave one is told.
TEST(Containment, EachOrderIsAnsweredThoughTheGovernorFalls) {
  install_containment();
  Lab lab;
  for (std::uint64_t round = 0; round < 40; ++round) {
    (void)lab.service->use("fixed_tiny", {});
    try {
      (void)lab.service->use("crash_in_look", {});
    } catch (const StrategyRefused &) {
      // The one that is put back came between.
    }
    std::promise<void> answered;
    std::thread orders([&] {
      while (lab.service->status().contained <= round)
        try {
          (void)lab.service->use("fixed_huge", {{"max", 9999}}); // loaded, and refused
        } catch (const StrategyRefused &) {
          continue;
        }
      answered.set_value();
    });
    if (answered.get_future().wait_for(30s) != std::future_status::ready) {
      std::fprintf(stderr, "round %d: an order is not answered\n", static_cast<int>(round));
      std::_Exit(1); // its thread can't be ended
    }
    orders.join();
    if (lab.service->status().tainted) // a load that took a second on this machine: it hung
      return;
    ASSERT_TRUE(comes_true([&] { return lab.service->status().name == "fixed_tiny"; }));
  }
}

TEST(Containment, WhatASaveDropsDoesNotComeBackWithWhoIsPutBack) {
  install_containment();
  Lab lab;
  (void)lab.service->use("bounded_timeout", {{"max", 23}});
  (void)lab.service->use("fault_on_command", {});
  lab.service->change_settings({{"bounded_timeout", {{"max", 30}}}}, false);
  EXPECT_THROW((void)lab.service->use("fault_on_command", {{"fault", 1}}), StrategyRefused);
  ASSERT_TRUE(comes_true([&] { return lab.service->status().name == "bounded_timeout"; }));
  EXPECT_EQ(lab.pool.snapshot().plan.max_in_use, 30U);
}

// A lab whose strategy is stuck in a look of its own, for as long as the file is there.
struct StuckLab : Lab {
  explicit StuckLab(bool deaf) {
    install_containment();
    ::setenv("POOL_LAB_STUCK", file.c_str(), 1);
    (void)service->use("fixed_huge", {});
    (void)service->use("stuck", {{"deaf", deaf ? 1 : 0}});
    EXPECT_TRUE(comes_true([&] { return std::filesystem::exists(file); }));
  }
  const std::filesystem::path file = copies / "stuck-in-look";
};

TEST(Containment, AnOrderThatHadNotBegunIsCarriedOutAfterTheFall) {
  StuckLab lab(false);
  const SwapResult result = lab.service->use("fixed_tiny", {});
  EXPECT_TRUE(result.swapped);
  EXPECT_EQ(lab.service->status().name, "fixed_tiny");
  EXPECT_EQ(lab.service->status().contained, 1U);
  EXPECT_TRUE(lab.has_copy_of("stuck"));
}

TEST(Containment, ASettingForTheOneThatFellIsRefusedWithTheReason) {
  StuckLab lab(false);
  try {
    (void)lab.service->use("stuck", {{"deaf", 1}});
    FAIL() << "the fallen one took a setting";
  } catch (const StrategyRefused &refused) {
    EXPECT_NE(std::string(refused.what()).find("hung in look"), std::string::npos)
        << refused.what();
  }
}

TEST(Containment, AThreadThatCantBeParkedTaintsTheHost) {
  StuckLab lab(true);
  EXPECT_TRUE(comes_true([&] { return lab.service->status().tainted; }));
  EXPECT_EQ(lab.service->status().tainted_by, "stuck");
  EXPECT_NE(lab.service->status().problem.find("can't be stopped"), std::string::npos)
      << lab.service->status().problem;
  std::filesystem::remove(lab.file); // and its thread ends
}

TEST(Containment, AnExceptionInAdmitEndsTheStrategy) {
  install_containment();
  Lab lab;
  (void)lab.service->use("fixed_tiny", {});
  (void)lab.service->use("throw_in_admit", {});
  (void)lab.pool.pause(true); // so that a request waits, and the strategy is asked about it
  EXPECT_TRUE(comes_true([&] {
    (void)lab.pool.acquire(lab.clock.now() + 20ms, "test");
    return lab.service->status().contained == 1;
  }));
  EXPECT_TRUE(comes_true([&] {
    return lab.service->status().problem.find("failed in admit") != std::string::npos &&
           lab.service->status().name == "fixed_tiny";
  })) << lab.service->status().problem;
}

std::string refusal_of(const std::function<void()> &order) {
  try {
    order();
    return "it was not refused";
  } catch (const StrategyRefused &refused) {
    return refused.what();
  }
}

TEST(Containment, AnExceptionInSetThatTheSdkStopsIsARefusalAndTheOldSettingsStand) {
  install_containment();
  Lab lab;
  (void)lab.service->use("careless", {{"size", 21}});
  const std::string why = refusal_of([&] { (void)lab.service->use("careless", {{"size", 13}}); });
  EXPECT_NE(why.find("13 brings bad luck"), std::string::npos) << why;
  EXPECT_EQ(lab.service->status().name, "careless");
  EXPECT_EQ(lab.service->status().contained, 0U);
  EXPECT_EQ(lab.pool.snapshot().plan.max_in_use, 21U);
  EXPECT_TRUE(lab.service->use("careless", {{"size", 22}}).to == "careless");
  EXPECT_EQ(lab.pool.snapshot().plan.max_in_use, 22U);
}

TEST(Containment, AnExceptionInSetThatCrossesTheInterfaceEndsTheStrategy) {
  install_containment();
  Lab lab;
  (void)lab.service->use("fixed_tiny", {});
  (void)lab.service->use("careless_across", {});
  const std::string why = refusal_of([&] {
    (void)lab.service->use("careless_across", {{"size", 13}});
  });
  EXPECT_NE(why.find("failed in set"), std::string::npos) << why;
  EXPECT_NE(why.find("13 brings bad luck"), std::string::npos) << why;
  EXPECT_TRUE(comes_true([&] { return lab.service->status().name == "fixed_tiny"; }))
      << lab.service->status().problem;
  EXPECT_EQ(lab.service->status().contained, 1U);
  EXPECT_TRUE(lab.has_copy_of("careless_across"));
}

TEST(Containment, ANewStrategyIsNotBlamedForTheFailedLooksOfTheOneBefore) {
  install_containment();
  Lab lab;
  for (int i = 0; i < 4; ++i)
    (void)lab.service->use("careless", {{"in_look", 1}}, true);
  EXPECT_EQ(lab.service->status().contained, 0U) << lab.service->status().problem;
}

TEST(Containment, AFreshStartIsToldInTheAnswerAndInTheEvents) {
  install_containment();
  Lab lab;
  const pool::ParamValues params{{"size", 21}, {"in_restore", 1}};
  (void)lab.service->use("careless", params);
  const SwapResult again = lab.service->use("careless", params, true);
  ASSERT_TRUE(again.state);
  EXPECT_NE(again.state->problem.find("a page is missing"), std::string::npos)
      << again.state->problem;
  EXPECT_EQ(lab.all_events().back().problem, again.state->problem);
  EXPECT_EQ(lab.service->status().state, StrategyState::ok);
  EXPECT_EQ(lab.pool.snapshot().plan.max_in_use, 21U);
}

TEST(Containment, ACrashInTheEndOfOneThatRefusedItsFirstSettingsIsContained) {
  install_containment();
  Lab lab;
  (void)lab.service->use("fixed_tiny", {});
  const std::string why = refusal_of([&] {
    (void)lab.service->use("falls_in_its_end", {{"odd", 2}});
  });
  EXPECT_NE(why.find("crashed in destroy"), std::string::npos) << why;
  EXPECT_TRUE(comes_true([&] { return lab.service->status().name == "fixed_tiny"; }));
  EXPECT_EQ(lab.service->status().contained, 1U);
  EXPECT_FALSE(lab.service->status().tainted);
}

// What the log says while it lives.
class HeardLog : public spdlog::sinks::base_sink<std::mutex> {
public:
  bool has(const std::string &text) {
    const std::lock_guard lock(mutex_);
    return said_.find(text) != std::string::npos;
  }

private:
  void sink_it_(const spdlog::details::log_msg &message) override {
    said_.append(message.payload.data(), message.payload.size());
    said_ += '\n';
  }
  void flush_() override {}
  std::string said_;
};

// For as long as it lives, the log is heard and not shown.
class Hearing {
public:
  Hearing() { spdlog::set_default_logger(std::make_shared<spdlog::logger>("heard", heard_)); }
  ~Hearing() { spdlog::set_default_logger(before_); }
  Hearing(const Hearing &) = delete;
  Hearing &operator=(const Hearing &) = delete;
  bool has(const std::string &text) { return heard_->has(text); }

private:
  const std::shared_ptr<HeardLog> heard_ = std::make_shared<HeardLog>();
  const std::shared_ptr<spdlog::logger> before_ = spdlog::default_logger();
};

TEST(Containment, WhoIsSlowInAdmitIsNotAskedAboutAllAndTheLogSaysSo) {
  install_containment();
  Hearing log;
  Lab lab;
  (void)lab.service->use("slow_in_admit", {});
  (void)lab.pool.pause(true); // so that all wait
  std::vector<std::thread> waiting;
  std::atomic<bool> stop{false};
  for (int i = 0; i < 10; ++i)
    waiting.emplace_back([&] {
      while (!stop)
        (void)lab.pool.acquire(lab.clock.now() + 500ms, "test");
    });
  EXPECT_TRUE(comes_true([&] { return log.has("slow_in_admit is slow in admit: of "); }));
  stop = true;
  for (std::thread &one : waiting)
    one.join();
  EXPECT_EQ(lab.service->status().contained, 0U);
}

TEST(Containment, WhoLeftTheLineWhileOthersWereAskedAboutIsNotAskedAbout) {
  install_containment();
  Lab lab;
  const std::filesystem::path held = lab.copies / "held-in-admit";
  ::setenv("POOL_LAB_HELD", held.c_str(), 1);
  (void)lab.service->use("held_in_admit", {});
  (void)lab.pool.pause(true); // so that all wait
  std::vector<std::thread> waiting;
  const auto one_more_waits = [&] {
    waiting.emplace_back([&] { (void)lab.pool.acquire(lab.clock.now() + 10s, "test"); });
    return comes_true([&] { return lab.pool.snapshot().levels.waiting == waiting.size(); });
  };
  EXPECT_TRUE(one_more_waits());
  EXPECT_TRUE(comes_true([&] { return std::filesystem::exists(held); }));
  // Two that it is asked about in a row, once it is done with the first.
  EXPECT_TRUE(one_more_waits());
  EXPECT_TRUE(one_more_waits());
  std::filesystem::remove(held);
  EXPECT_TRUE(comes_true([&] { return std::filesystem::exists(held); }));
  (void)lab.pool.pause(false); // there is no database: all are refused
  for (std::thread &one : waiting)
    one.join();
  std::filesystem::remove(held);
  (void)lab.service->use("held_in_admit", {}); // and a look follows
  EXPECT_EQ(lab.service->status().explain, "asked about 2");
  EXPECT_EQ(lab.service->status().contained, 0U);
}

TEST(Containment, ThePutBackYieldsToAChoiceMadeMeanwhile) {
  Hearing log;
  StuckLab lab(false);
  // This order waits before the governor falls, so it is carried out before any put-back.
  (void)lab.service->use("fixed_tiny", {});
  EXPECT_TRUE(comes_true([&] { return log.has("fixed_huge is not put back"); }));
  EXPECT_EQ(lab.service->status().name, "fixed_tiny");
  EXPECT_EQ(lab.pool.snapshot().plan.max_in_use, 3U);
  const auto events = lab.all_events();
  EXPECT_EQ(std::count_if(events.begin(), events.end(),
                          [](const StrategyEvent &event) {
                            return event.kind == StrategyEvent::Kind::swapped &&
                                   event.name == "fixed_huge";
                          }),
            1);
}

TEST(Containment, AnOrderToParkThatComesLateDoesNotMeetTheNextCall) {
  install_containment();
  static CallWatch watch; // as long as its thread, should that be parked
  std::atomic<bool> entered{false}, told{false}, over{false};
  std::thread governor([&] {
    watch.attach();
    sigset_t park;
    ::sigemptyset(&park);
    ::sigaddset(&park, plugin::park_signal());
    ::pthread_sigmask(SIG_BLOCK, &park, nullptr);
    watch.enter("destroy");
    entered = true;
    while (!told)
      std::this_thread::yield();
    watch.leave();
    watch.enter("look");
    ::pthread_sigmask(SIG_UNBLOCK, &park, nullptr); // only now it comes
    watch.leave();
    watch.detach();
    over = true;
  });
  ASSERT_TRUE(comes_true([&] { return entered.load(); }));
  EXPECT_TRUE(watch.park_hung(0ns));
  told = true;
  EXPECT_TRUE(comes_true([&] { return over || watch.parked(); }));
  EXPECT_FALSE(watch.parked());
  watch.parked() ? governor.detach() : governor.join();
}

TEST(Containment, TheServiceEndsThoughItsStrategyIsStuckInALook) {
  StuckLab lab(false);
  lab.end();
}

TEST(Containment, TheServiceEndsThoughItsStrategyHangsInItsEnd) {
  install_containment();
  Lab lab;
  (void)lab.service->use("hang_in_destroy", {});
  lab.service->shut_down();
  EXPECT_EQ(lab.service->status().contained, 1U);
  EXPECT_NE(lab.service->status().problem.find("hung in destroy"), std::string::npos)
      << lab.service->status().problem;
  EXPECT_THROW((void)lab.service->use("fixed_tiny", {}), StrategyRefused) << "it waits for ever";
  lab.end();
}

INSTANTIATE_TEST_SUITE_P(Kinds, Contained,
                         ::testing::Values("crash_in_look", "abort_in_look", "hang_in_look",
                                           "stack_overflow", "smashed_stack", "wild_call",
                                           "throw_across_abi", "throw_in_first_look", "slow_look",
                                           "hang_in_create"),
                         [](const auto &kind) { return std::string(kind.param); });

} // namespace
} // namespace lab::host
