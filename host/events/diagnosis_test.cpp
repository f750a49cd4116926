// Each cause is named when its signs are there, soon, and no other before it.
#include "host/events/diagnosis.hpp"

#include <functional>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lab::host {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr auto beat = 250ms;

// A pool under a load, look by look. What a test does not change is healthy: 100 requests a second
// that hold one of 10 connections for 50 ms.
class Scene {
public:
  explicit Scene(double processors = 2) : doctor_(processors) {
    look_.at = pool::Time(1h);
    look_.limit = look_.open = 10;
    look_.server = {.max_connections = 100, .reserved = 3, .total = 12, .ours = 10, .cores = 0.1};
    go(9s, [](Look &) {});
  }

  // Changes each look of that time. Answers the causes that were named.
  std::set<std::string> go(pool::Duration time, const std::function<void(Look &)> &change) {
    std::set<std::string> named;
    for (pool::Duration passed{}; passed < time; passed += beat) {
      look_.at += beat;
      look_.in_use = 5;
      look_.waiting = 0;
      look_.longest_hold = 50ms;
      look_.long_holds = 0;
      rate_ = 100;
      server_answers_ = true;
      ends_ = true;
      if (change) {
        Look changed = look_;
        change(changed);
        look_ = changed;
      }
      const auto arrived = static_cast<std::uint64_t>(rate_ / 4);
      look_.asked += arrived;
      if (ends_) {
        look_.ended += arrived;
        look_.well += arrived;
        look_.in_use_time += look_.in_use * beat;
      }
      if (server_answers_ && look_.server)
        look_.server->read = look_.at - 100ms;
      last = doctor_.look(look_);
      named.insert(name_of(last.cause));
    }
    return named;
  }

  Diagnosis last;
  double rate_ = 100;
  bool server_answers_ = true, ends_ = true;

private:
  Diagnostician doctor_;
  Look look_;
};

using Named = std::set<std::string>;

TEST(Diagnosis, AHealthyPoolIsWellAndAQuietOneIdle) {
  Scene scene;
  EXPECT_EQ(scene.last.cause, Cause::well);
  EXPECT_THAT(scene.last.text, HasSubstr("100 requests a second, 5 of 10 connections in use"));
  const Named named = scene.go(3s, [&](Look &look) { scene.rate_ = 0, look.in_use = 0; });
  EXPECT_EQ(scene.last.cause, Cause::idle);
  EXPECT_EQ(named, (Named{"well", "idle"}));
}

void all_in_use(Look &look) {
  look.limit = look.in_use = 3;
  look.waiting = 41;
}

TEST(Diagnosis, ASmallPoolIsTheBottleneckWhereTheDatabaseHasRoom) {
  Scene scene;
  EXPECT_EQ(scene.go(2s, all_in_use), (Named{"unclear", "small_pool"}));
  EXPECT_THAT(scene.last.text, HasSubstr("3 of 3 connections in use, 41 waiting, PostgreSQL's "
                                         "processors 5 % busy: the pool is the bottleneck"));
}

TEST(Diagnosis, AFullPoolThatCatchesUpIsNotTooSmall) {
  Scene scene;
  const Named named = scene.go(4s, [](Look &look) {
    all_in_use(look);
    look.asked -= 10; // of the 25 that are served meanwhile: most of them came earlier
  });
  EXPECT_EQ(named, (Named{"unclear"}));
  EXPECT_THAT(scene.last.text, HasSubstr("the pool catches up. 60 requests a second that hold one "
                                         "for 30 ms need 1.8"));
}

TEST(Diagnosis, TellsHowManyConnectionsTheLoadNeeds) {
  Scene scene;
  scene.go(3s, {}); // 100 a second, 50 ms each
  EXPECT_NEAR(scene.last.needed.value_or(0), 5, 0.5);
  scene.go(9s, [&](Look &look) { scene.rate_ = 0, look.in_use = 0; });
  EXPECT_FALSE(scene.last.needed);
}

TEST(Diagnosis, ABusyDatabaseIsNotHelpedByALargerPool) {
  Scene scene;
  const Named named = scene.go(3s, [](Look &look) {
    all_in_use(look);
    look.server->cores = 1.9;
  });
  EXPECT_EQ(named, (Named{"unclear", "database_busy"}));
}

// A container that may use half a processor.
TEST(Diagnosis, ADatabaseThatHasUsedUpItsPartOfAProcessorIsBusy) {
  Scene scene(0.5);
  const Named named = scene.go(3s, [](Look &look) {
    all_in_use(look);
    look.server->cores = 0.48;
  });
  EXPECT_EQ(named, (Named{"unclear", "database_busy"}));
  EXPECT_THAT(scene.last.text, HasSubstr("96 % busy"));
}

TEST(Diagnosis, WhereTheDatabasesProcessorsCantBeSeenNoPoolIsCalledTooSmall) {
  Scene scene;
  const Named named = scene.go(3s, [](Look &look) {
    all_in_use(look);
    look.server->cores.reset();
  });
  EXPECT_EQ(named, (Named{"unclear"}));
  EXPECT_THAT(scene.last.text, HasSubstr("the pool is full. Whether the database has room"));
}

TEST(Diagnosis, AFullMomentIsNoCause) {
  Scene scene;
  EXPECT_EQ(scene.go(1s, all_in_use), (Named{"unclear"}));
  EXPECT_EQ(scene.go(1s, {}), (Named{"well"}));
}

TEST(Diagnosis, AServerThatRefusesIsFull) {
  Scene scene;
  const Named named = scene.go(3s, [](Look &look) {
    look.limit = 500;
    look.in_use = look.open = 96;
    look.waiting = 60;
    look.server->total = 97;
    look.connects_refused += 1;
  });
  EXPECT_EQ(named, (Named{"unclear", "ceiling"}));
  EXPECT_THAT(scene.last.text, HasSubstr("97 of PostgreSQL's 97 connections for ordinary users are "
                                         "taken, 96 by this pool"));
}

TEST(Diagnosis, TransactionsThatWaitForEachOtherContend) {
  Scene scene;
  const Named named = scene.go(3s, [](Look &look) {
    look.limit = 500;
    look.in_use = 90;
    look.server->waiting_for_locks = 85;
  });
  EXPECT_EQ(named, (Named{"contention"}));
  EXPECT_THAT(scene.last.text, HasSubstr("85 of 90 transactions"));
}

TEST(Diagnosis, ADatabaseThatAnswersNothingIsFrozenAndNoPoolIsBlamed) {
  Scene scene;
  pool::Duration frozen{};
  const Named named = scene.go(3s, [&](Look &look) {
    frozen += beat;
    look.in_use = look.limit;
    look.waiting = 40;
    look.longest_hold = frozen;
    look.long_holds = frozen > 1500ms ? look.limit : 0;
    scene.ends_ = scene.server_answers_ = false;
  });
  EXPECT_EQ(named, (Named{"unclear", "frozen"}));
  EXPECT_THAT(scene.last.text, HasSubstr("10 connections in use, nothing has come back"));
  // Later the sockets of the holders are shut, and the watch has given up too.
  const Named later = scene.go(3s, [&](Look &look) {
    look.in_use = 0;
    look.waiting = 40;
    look.silent = true;
    look.database_problem = "PostgreSQL did not answer within 1500 ms";
    scene.ends_ = scene.server_answers_ = false;
  });
  EXPECT_EQ(later, (Named{"frozen"}));
}

TEST(Diagnosis, AThawedDatabaseMakesNoPoolTooSmallThatCatchesUp) {
  Scene scene;
  const auto full = [](Look &look) {
    look.in_use = look.limit;
    look.waiting = 40;
  };
  scene.go(4s, [&](Look &look) {
    full(look);
    look.in_use_time += look.in_use * beat;
    scene.ends_ = scene.server_answers_ = false;
  });
  ASSERT_EQ(name_of(scene.last.cause), "frozen");
  EXPECT_EQ(scene.go(1500ms, full), (Named{"unclear"})) << scene.last.text;
  EXPECT_THAT(scene.last.text, HasSubstr("answers again"));
  const Named later = scene.go(4s, full);
  EXPECT_TRUE(later.contains("small_pool")) << "not for ever";
}

TEST(Diagnosis, HoldersThatAreCutOffAreNoSignOfLife) {
  Scene scene;
  pool::Duration frozen{};
  const Named named = scene.go(4s, [&](Look &look) {
    frozen += beat;
    look.in_use = look.limit;
    look.waiting = 40;
    look.longest_hold = frozen;
    ++look.ended; // at its deadline
    scene.ends_ = scene.server_answers_ = false;
  });
  EXPECT_TRUE(named.contains("frozen"));
  EXPECT_EQ(scene.last.text.find("nothing has come back for 0"), std::string::npos);
  EXPECT_EQ(name_of(scene.last.cause), "frozen");
}

TEST(Diagnosis, OneThatWasTurnedAwayLongAgoMakesNoPoolTooSmall) {
  Scene scene;
  scene.go(1s, [](Look &look) { look.turned_away += 1; });
  const auto right_size = [](Look &look) { look.in_use = look.limit; };
  scene.go(5s, right_size);
  const Named named = scene.go(beat, [&](Look &look) {
    right_size(look);
    look.waiting = 1;
  });
  EXPECT_EQ(named.count("small_pool"), 0);
}

TEST(Diagnosis, ADatabaseThatIsAwayIsNotFrozen) {
  Scene scene;
  const Named named = scene.go(3s, [&](Look &look) {
    look.in_use = 0;
    look.database_problem = "connection refused";
    scene.ends_ = scene.server_answers_ = false;
  });
  EXPECT_EQ(named, (Named{"database_away"}));
}

TEST(Diagnosis, ALongStatementIsNeitherFrozenNorALeak) {
  Scene scene;
  const Named named = scene.go(5s, [&](Look &look) {
    look.in_use = 2;
    look.longest_hold = 4s;
    look.long_holds = 2;
    look.server->long_at_work = 2;
    scene.ends_ = false;
    scene.rate_ = 0;
  });
  EXPECT_EQ(named.count("leak") + named.count("frozen"), 0U) << scene.last.text;
}

TEST(Diagnosis, ContentionIsNamedAlsoWhereItHasFilledTheServer) {
  Scene scene;
  const Named named = scene.go(3s, [](Look &look) {
    look.in_use = look.open = 96;
    look.limit = 500;
    look.waiting = 4;
    look.server->total = 97;
    look.server->waiting_for_locks = 90;
    look.connects_refused += 1;
  });
  EXPECT_EQ(named, (Named{"contention"}));
}

TEST(Diagnosis, AServerThatIsFullBeforeItsLocksAreReadIsNoCeiling) {
  Scene scene;
  pool::Duration passed{};
  const Named named = scene.go(3s, [&](Look &look) {
    passed += beat;
    look.in_use = look.open = 96;
    look.limit = 500;
    look.waiting = 4;
    look.server->total = 97;
    look.server->waiting_for_locks = passed > 500ms ? 90 : 0;
  });
  EXPECT_EQ(named, (Named{"unclear", "contention"}));
}

TEST(Diagnosis, LocksThatComeInWavesAreOneContention) {
  Scene scene;
  pool::Duration passed{};
  const Named named = scene.go(6s, [&](Look &look) {
    passed += beat;
    look.in_use = look.open = 96;
    look.limit = 500;
    look.waiting = 4;
    look.server->total = 97;
    look.server->waiting_for_locks = passed / 1s % 2 == 0 ? 60 : 21; // a wave of two seconds
  });
  EXPECT_EQ(named, (Named{"contention"}));
}

TEST(Diagnosis, FewLocksAtAFullServerAreNoContention) {
  Scene scene;
  const Named named = scene.go(4s, [](Look &look) {
    look.in_use = look.open = 96;
    look.limit = 500;
    look.waiting = 4;
    look.server->total = 97;
    look.server->waiting_for_locks = 21;
  });
  EXPECT_EQ(named, (Named{"unclear", "ceiling"}));
}

TEST(Diagnosis, ARefusalThatNobodyMissesIsNoCeiling) {
  Scene scene;
  scene.go(3s, [](Look &look) {
    look.in_use = look.open = 96;
    look.limit = 500;
    look.waiting = 4;
    look.server->total = 97;
    look.connects_refused += 1;
  });
  const Named named = scene.go(2s, [&](Look &look) { // the load has ended
    look.in_use = look.waiting = 0;
    scene.rate_ = 0;
  });
  EXPECT_EQ(named.count("ceiling"), 0);
}

TEST(Diagnosis, NobodyIsCalledLockedWhoIsNoLongerThere) {
  Scene scene;
  const Named named = scene.go(2s, [&](Look &look) {
    look.server->waiting_for_locks = 29; // as it was read before the load ended
    look.in_use = 0;
    scene.rate_ = 0;
  });
  EXPECT_EQ(named.count("contention"), 0);
}

TEST(Diagnosis, AConnectionThatIsHeldForNothingLeaks) {
  Scene scene;
  pool::Duration held{};
  const Named named = scene.go(3s, [&](Look &look) {
    held += beat;
    look.in_use = look.limit = 10;
    look.waiting = 20;
    look.longest_hold = held;
    look.long_holds = held >= 1500ms ? 8 : 0;
  });
  EXPECT_EQ(named, (Named{"unclear", "leak"})) << "no pool is called small meanwhile";
  EXPECT_THAT(scene.last.text, HasSubstr("8 connections in use with nothing running on them"));
}

TEST(Diagnosis, FarMoreThanBeforeIsASpikeAndTheFirstLoadIsNone) {
  Scene scene;
  const Named spike = scene.go(3s, [&](Look &look) {
    all_in_use(look);
    scene.rate_ = 1000;
  });
  EXPECT_EQ(spike, (Named{"spike"}));
  EXPECT_THAT(scene.last.text, HasSubstr("1000 requests a second, and 100 before"));

  const Named longer = scene.go(9s, all_in_use); // most of what is remembered is the spike
  EXPECT_EQ(longer, (Named{"spike"}));
  const Named after = scene.go(2s, [&](Look &look) {
    all_in_use(look);
    scene.rate_ = 100;
  });
  EXPECT_EQ(after, (Named{"spike"})) << "its waiters are still there";
  const Named usual = scene.go(25s, [&](Look &look) {
    all_in_use(look);
    scene.rate_ = 1000;
  });
  EXPECT_EQ(usual, (Named{"small_pool", "spike"})) << "not for ever";

  Scene fresh;
  fresh.go(10s, [&](Look &look) { fresh.rate_ = 0, look.in_use = 0; });
  const Named first = fresh.go(8s, all_in_use);
  EXPECT_EQ(first, (Named{"unclear", "small_pool"}));
}

TEST(Diagnosis, AnotherLoadAfterAPauseIsNoSpike) {
  Scene scene;
  scene.go(2s, [&](Look &look) {
    look.in_use = 0;
    scene.rate_ = 0;
  });
  const Named named = scene.go(4s, [&](Look &look) {
    look.in_use = look.limit;
    look.waiting = 40;
    scene.rate_ = 1000;
  });
  EXPECT_EQ(named.count("spike"), 0);
}

TEST(Diagnosis, APausedPoolSaysSo) {
  Scene scene;
  const Named named = scene.go(2s, [](Look &look) {
    look.paused = true;
    look.in_use = 0;
    look.waiting = 7;
  });
  EXPECT_EQ(named, (Named{"paused"}));
}

} // namespace
} // namespace lab::host
