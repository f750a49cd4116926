// The gate through every interleaving of its users: nothing is taken twice, nothing is
// lost, and who shuts it has all of it.
#include "host/pool/gate.hpp"
#include "host/pool/test_interleavings.hpp"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

namespace lab::pool {
namespace {

// What every scenario shares: a gate, and where its slots ended up.
class GateTest : public testing::Test {
protected:
  void begin_with(std::vector<SlotIndex> resting) {
    gate = std::make_unique<Gate<Stepped>>();
    all = resting;
    taken.clear();
    returned.clear();
    gate->open(resting, 0);
  }
  void hold(SlotIndex slot) { all.push_back(slot); } // somebody has it from the beginning

  void take() {
    if (const auto slot = gate->take())
      taken.push_back(*slot);
  }
  void give_back(SlotIndex slot) {
    if (!gate->put(slot))
      returned.push_back(slot); // to the pool
  }
  void take_and_give_back() {
    if (const auto slot = gate->take())
      give_back(*slot);
  }
  void shut() { gate->shut(returned); }

  // Each slot is in one place, and one place only.
  void expect_nothing_lost_or_doubled() {
    if (gate->is_open())
      gate->shut(returned);
    std::vector<SlotIndex> found = taken;
    found.insert(found.end(), returned.begin(), returned.end());
    std::sort(found.begin(), found.end());
    std::sort(all.begin(), all.end());
    ASSERT_EQ(found, all);
    ASSERT_EQ(gate->resting(), 0U);
    ASSERT_EQ(gate->take(), std::nullopt) << "shut";
  }

  void explore(
      const std::function<std::vector<Interleavings::Thread>()> &set_up,
      const std::function<void()> &check = [] {}) {
    const std::uint64_t orders = Interleavings(4).explore(set_up, [&] {
      if (HasFailure())
        return;
      check();
      expect_nothing_lost_or_doubled();
    });
    std::printf("%llu orders\n", static_cast<unsigned long long>(orders));
    EXPECT_GT(orders, 10U);
  }

  std::unique_ptr<Gate<Stepped>> gate;
  std::vector<SlotIndex> all;
  std::vector<SlotIndex> taken;
  std::vector<SlotIndex> returned; // what the pool has: given back to it, or by shutting
};

TEST_F(GateTest, TwoTakersNeverGetTheSame) {
  explore([&] {
    begin_with({1, 2});
    return std::vector<Interleavings::Thread>{[&] { take(); }, [&] { take(); }, [&] { take(); }};
  });
}

// ABA: as many rest, and the same is on top; what is under it is another.
TEST_F(GateTest, AHeadThatWentAndCameBackIsNotMistakenForTheOldOne) {
  explore([&] {
    begin_with({1, 2, 3});
    hold(7);
    return std::vector<Interleavings::Thread>{[&] { take(); },
                                              [&] {
                                                const auto top = gate->take();
                                                take();
                                                give_back(7);
                                                if (top)
                                                  give_back(*top);
                                              }};
  });
}

// The lost wake-up: it comes back to the gate or to the one who shuts it, never to neither.
TEST_F(GateTest, WhatIsGivenBackWhileItIsShutReachesThePool) {
  explore([&] {
    begin_with({1});
    hold(7);
    hold(8);
    return std::vector<Interleavings::Thread>{[&] { give_back(7); }, [&] { give_back(8); },
                                              [&] { shut(); }};
  });
}

TEST_F(GateTest, AUserAndANewcomerWhileItIsShut) {
  explore([&] {
    begin_with({1, 2});
    return std::vector<Interleavings::Thread>{[&] { take_and_give_back(); }, [&] { take(); },
                                              [&] { shut(); }};
  });
}

// As around every event of the pool: shut, then opened with what is there.
TEST_F(GateTest, ItIsShutAndOpenedAgainUnderItsUsers) {
  explore([&] {
    begin_with({1, 2});
    return std::vector<Interleavings::Thread>{[&] { take_and_give_back(); },
                                              [&] {
                                                std::vector<SlotIndex> mine;
                                                gate->shut(mine);
                                                gate->open(mine, 0);
                                              }};
  });
}

TEST_F(GateTest, WhoNotesLateTellsNothingOfTheNextOpening) {
  explore(
      [&] {
        begin_with({1, 2});
        for (const SlotIndex slot : {7, 8, 9})
          hold(slot);
        return std::vector<Interleavings::Thread>{[&] { take(); },
                                                  [&] {
                                                    std::vector<SlotIndex> mine;
                                                    gate->shut(mine);
                                                    mine.insert(mine.end(), {7, 8, 9});
                                                    gate->open(mine, 0);
                                                  }};
      },
      [&] {
        const bool took_then = std::find(taken.begin(), taken.end(), 9) != taken.end();
        EXPECT_EQ(gate->fewest(), gate->resting());
        EXPECT_EQ(gate->most(), gate->resting() + (took_then ? 1 : 0));
      });
}

TEST_F(GateTest, OnceShutNobodyTakes) {
  explore([&] {
    begin_with({1, 2});
    auto is_shut = std::make_shared<bool>(false);
    return std::vector<Interleavings::Thread>{[&, is_shut] {
                                                shut();
                                                *is_shut = true;
                                              },
                                              [&, is_shut] {
                                                const bool was_shut = *is_shut;
                                                const auto slot = gate->take();
                                                if (slot)
                                                  taken.push_back(*slot);
                                                EXPECT_FALSE(was_shut && slot);
                                              }};
  });
}

TEST(Gate, HandsOutTheNewestAndKeepsTheOrderWhenItIsShut) {
  Gate<> gate;
  gate.open({1, 2, 3}, 1); // 1 is withheld
  EXPECT_EQ(gate.resting(), 2U);
  EXPECT_EQ(gate.take(), SlotIndex{3});
  EXPECT_TRUE(gate.put(9));
  std::vector<SlotIndex> oldest_first = {1};
  gate.shut(oldest_first);
  EXPECT_EQ(oldest_first, (std::vector<SlotIndex>{1, 2, 9}));
  EXPECT_FALSE(gate.put(3));
  EXPECT_EQ(gate.fewest(), 1U);
  EXPECT_EQ(gate.most(), 2U);
}

} // namespace
} // namespace lab::pool
