// The C++ SDK says what it does: spans of time, lines, states, and members by their form.
#include "pool_lab/strategy.hpp"

#include <cstddef>
#include <cstring>
#include <exception>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace pool_lab {
namespace {

TEST(Duration, IsScaledByAnyNumberAndComparedByItself) {
  EXPECT_EQ(100_ms * 1.5, 150_ms);
  EXPECT_EQ(2 * 100_ms, 200_ms);
  EXPECT_EQ(0.25 * 1_s, 250_ms);
  EXPECT_EQ(100_ms / 4, 25_ms);
  EXPECT_DOUBLE_EQ(150_ms / 100_ms, 1.5);
  const unsigned three = 3;
  EXPECT_EQ(1_s * three, 3_s);
}

template <class Value> std::string line_of(const Value &value) {
  char bytes[64];
  pl_text text{};
  text.data = bytes;
  text.capacity = sizeof bytes;
  Line(&text) << value;
  return bytes;
}

TEST(Line, TakesEveryNumberOfTheInterface) {
  EXPECT_EQ(line_of(pl_ns{-5}), "-5");
  EXPECT_EQ(line_of(uint64_t{7}), "7");
  EXPECT_EQ(line_of(uint32_t{7}), "7");
  EXPECT_EQ(line_of(7ULL), "7");
  EXPECT_EQ(line_of(1.26), "1.3");
  EXPECT_EQ(line_of(20_ms), "20.0 ms");
}

TEST(State, IsWrittenWhereItFitsAndReadWhereItIsOfThatSize) {
  struct State {
    int version = 1;
    double limit = 0;
  };
  unsigned char bytes[sizeof(State)];
  EXPECT_EQ(write_state(bytes, 3, State{1, 8}), sizeof(State)) << "how much it needs";
  EXPECT_EQ(write_state(bytes, sizeof bytes, State{1, 8}), sizeof(State));
  State read;
  EXPECT_FALSE(read_state(nullptr, 0, read));
  EXPECT_FALSE(read_state(bytes, 3, read));
  EXPECT_EQ(read.limit, 0);
  EXPECT_TRUE(read_state(bytes, sizeof bytes, read));
  EXPECT_EQ(read.limit, 8);
}

// Refuses what does not fit together; sets a copy of one, as who looks first does.
struct Strict {
  int low = 1, high = 10;
  double share = 0.5;
  bool on = true;
  Duration wait{1};

  void params(Params &p) {
    int wanted = high;
    p.add("low", low, 0, 100, "");
    p.add("high", wanted, 0, 100, "");
    p.add("share", share, 0, 1, "");
    p.add("on", on, "");
    p.add("wait_ms", wait, 0_ms, 10_s, "");
    if (low > wanted || share > 0.9 || !on || wait > 5_s)
      throw Refusal{};
    high = wanted;
  }
  Plan look(const Observation &) { return {}; }

  struct Refusal : std::exception {
    const char *what() const noexcept override { return "it does not fit"; }
  };
};

TEST(Setting, WhatParamsRefusesIsNotTaken) {
  Strict mine;
  char bytes[64];
  pl_text text{};
  text.data = bytes;
  text.capacity = sizeof bytes;
  const auto refused = [&](uint32_t param, double value) {
    return glue::set<Strict>(&mine, param, value, &text) != 0 &&
           std::string(bytes) == "exception: it does not fit";
  };
  EXPECT_TRUE(refused(0, 50));
  EXPECT_EQ(mine.low, 1);
  EXPECT_TRUE(refused(1, 0));
  EXPECT_EQ(mine.high, 10);
  EXPECT_TRUE(refused(2, 1));
  EXPECT_EQ(mine.share, 0.5);
  EXPECT_TRUE(refused(3, 0));
  EXPECT_TRUE(mine.on);
  EXPECT_EQ(glue::set<Strict>(&mine, 1, 60, &text), 0);
  EXPECT_EQ(mine.high, 60);
  EXPECT_NE(glue::set<Strict>(&mine, 5, 1, &text), 0) << "there is no such";
}

// In milliseconds and back some would lose a nanosecond.
TEST(Setting, ATimeThatStaysIsTheSameToTheNanosecond) {
  Strict mine;
  for (mine.wait.ns = 1; mine.wait.ns < 20'000;) {
    const Duration before = mine.wait;
    ASSERT_NE(glue::set<Strict>(&mine, 4, 6000, nullptr), 0);
    ASSERT_EQ(mine.wait, before) << before.ns << " became " << mine.wait.ns;
    ++mine.wait.ns;
  }
}

struct Bare {
  Plan look(const Observation &) { return {}; }
};
struct Whole : Bare {
  void params(Params &) {}
  Verdict admit(const Ask &) { return {}; }
  void explain(Line &) {}
  size_t save(void *, size_t) { return 0; }
  bool restore(const void *, size_t) { return true; }
};
struct Final final : Bare {
  void explain(Line &) {}
};
// Each member is there, and of another form than the lab calls.
struct Near : Bare {
  void params(Params *) {}
  Verdict admit(Ask &) { return {}; }
  void explain(Line *) {}
  bool save(void *, size_t) { return true; }
  int restore(const void *) { return 0; }
};

TEST(Members, AreToldFromThoseOfAnotherForm) {
  using namespace glue;
  EXPECT_FALSE(is_named_params<Bare> || is_named_admit<Bare> || is_named_explain<Bare> ||
               is_named_save<Bare> || is_named_restore<Bare>);
  EXPECT_TRUE(can_params<Whole> && can_admit<Whole> && can_explain<Whole> && can_save<Whole> &&
              can_restore<Whole>);
  EXPECT_TRUE(can_explain<Final>);
  EXPECT_TRUE(is_named_params<Near> && is_named_admit<Near> && is_named_explain<Near> &&
              is_named_save<Near> && is_named_restore<Near>);
  EXPECT_FALSE(can_params<Near> || can_admit<Near> || can_explain<Near> || can_save<Near> ||
               can_restore<Near>);
}

// Keeps what it was shown.
struct Curious {
  Plan look(const Observation &seen) {
    random = seen.random;
    for (unsigned i = 0; i < seen.sample_count; ++i)
      samples.push_back(seen.sample(i));
    return {};
  }
  Verdict admit(const Ask &ask) {
    ahead = ask.ahead;
    route = ask.route;
    return {};
  }
  uint64_t random = 0;
  std::vector<pl_sample> samples;
  unsigned ahead = 0;
  std::string route;
};

TEST(Growth, SamplesOfALaterHostAreReadByTheirStride) {
  struct Later {
    pl_sample known;
    pl_ns more;
  };
  const Later samples[] = {{{1, 2, 3, PL_SERVED, 0}, 9}, {{4, 5, 6, PL_FAILED, 0}, 9}};
  pl_observation seen{};
  seen.struct_size = sizeof seen;
  seen.samples = &samples[0].known;
  seen.sample_count = 2;
  seen.sample_stride = sizeof(Later);
  Curious mine;
  pl_plan plan{};
  ASSERT_EQ(glue::look<Curious>(&mine, &seen, &plan, nullptr), 0);
  ASSERT_EQ(mine.samples.size(), 2U);
  EXPECT_EQ(mine.samples[1].started, 4);
  EXPECT_EQ(mine.samples[1].hold, 6);
  EXPECT_EQ(mine.samples[1].outcome, static_cast<uint32_t>(PL_FAILED));
}

// A header of a later version in a host of before: played by a host that has less.
TEST(Growth, WhatAnEarlierHostLacksReadsAsZero) {
  struct Earlier {
    pl_ns started, wait;
  };
  const Earlier samples[] = {{1, 2}, {3, 4}};
  pl_observation seen{};
  seen.struct_size = offsetof(pl_observation, random);
  seen.random = 77;
  seen.samples = reinterpret_cast<const pl_sample *>(samples);
  seen.sample_count = 2;
  seen.sample_stride = sizeof(Earlier);
  Curious mine;
  pl_plan plan{};
  ASSERT_EQ(glue::look<Curious>(&mine, &seen, &plan, nullptr), 0);
  EXPECT_EQ(mine.random, 0U);
  ASSERT_EQ(mine.samples.size(), 2U);
  EXPECT_EQ(mine.samples[0].wait, 2);
  EXPECT_EQ(mine.samples[0].hold, 0) << "the next sample, read as this one's";

  pl_ask ask{};
  ask.struct_size = offsetof(pl_ask, route);
  ask.ahead = 5;
  std::strcpy(ask.route, "beyond");
  pl_verdict verdict{};
  ASSERT_EQ(glue::admit<Curious>(&mine, &ask, &verdict, nullptr), 0);
  EXPECT_EQ(mine.ahead, 5U);
  EXPECT_EQ(mine.route, "");
}

} // namespace
} // namespace pool_lab
