#include "loadtest/schedule.hpp"

#include "loadtest/random.hpp"

#include <algorithm>
#include <bit>

#include <fmt/format.h>

namespace lab::load {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

class Fingerprint {
public:
  void add(std::uint64_t value) {
    for (int byte = 0; byte < 8; ++byte) {
      hash_ ^= (value >> (8 * byte)) & 0xFF;
      hash_ *= 0x100000001B3ULL;
    }
  }
  void add(const Choice &choice) {
    add(static_cast<std::uint64_t>(choice.route) << 8 | choice.variant);
  }
  std::uint64_t value() const { return hash_; }

private:
  std::uint64_t hash_ = 0xCBF29CE484222325ULL;
};

// A time in which the load is the same throughout.
struct Segment {
  std::uint64_t begin = 0, end = 0; // ns from the start of the run
  std::uint64_t rate = 0;
  int users = 0;
  const std::vector<Route> *cycle = nullptr;
  std::uint8_t hold = 0, slow_hold = 0; // places in Profile::holds()
};

std::uint8_t place_of(const std::vector<milliseconds> &holds, milliseconds hold) {
  return static_cast<std::uint8_t>(std::find(holds.begin(), holds.end(), hold) - holds.begin());
}

// The warm-up and what no stage covers have the profile's own load.
std::vector<Segment> segments_of(const Profile &profile) {
  const std::vector<milliseconds> holds = profile.holds();
  const auto ns = [](milliseconds time) {
    return static_cast<std::uint64_t>(nanoseconds(time).count());
  };
  const auto usual = [&](milliseconds begin, milliseconds end) {
    return Segment{ns(begin),
                   ns(end),
                   static_cast<std::uint64_t>(profile.rate),
                   profile.users,
                   &profile.cycle,
                   place_of(holds, profile.hold),
                   place_of(holds, profile.slow_hold)};
  };
  if (profile.stages.empty())
    return {usual(milliseconds(0), profile.total())};
  std::vector<Segment> all{usual(milliseconds(0), profile.warm_up)};
  milliseconds begin = profile.warm_up;
  for (const Stage &stage : profile.stages) {
    Segment segment = usual(begin, begin + stage.length);
    if (stage.rate)
      segment.rate = static_cast<std::uint64_t>(*stage.rate);
    if (stage.users)
      segment.users = *stage.users;
    if (!stage.cycle.empty())
      segment.cycle = &stage.cycle;
    if (stage.hold)
      segment.hold = place_of(holds, *stage.hold);
    all.push_back(segment);
    begin += stage.length;
  }
  if (begin < profile.total())
    all.push_back(usual(begin, profile.total()));
  return all;
}

Choice choose(const Profile &profile, const Segment &segment, std::size_t position,
              Random &random) {
  const Route route = (*segment.cycle)[position % segment.cycle->size()];
  std::uint64_t variant = 0;
  if (route == Route::submit_job)
    variant = random.below(5);
  else if (route == Route::contend)
    variant = 1 + random.below(static_cast<std::uint64_t>(profile.rows));
  else if (route == Route::hold_submit || route == Route::hold_claim)
    variant = profile.slow_percent > 0 &&
                      random.below(100) < static_cast<std::uint64_t>(profile.slow_percent)
                  ? segment.slow_hold
                  : segment.hold;
  return {route, static_cast<std::uint8_t>(variant)};
}

// Requests still to come before the next arrival, in units of 2^-24, at a rate of one.
std::uint64_t distance(const Profile &profile, Random &random) {
  if (profile.arrivals == Arrivals::constant)
    return std::uint64_t{1} << 24;
  std::uint64_t u = random.next();
  if (u == 0)
    u = 1;
  const std::uint64_t one = exponential_q24(u); // at most 45 * 2^24
  return profile.arrivals == Arrivals::bursty ? one * static_cast<std::uint64_t>(profile.burst)
                                              : one;
}

// A point in time that moves on by distances, faster where more arrives.
class Walk {
public:
  explicit Walk(const std::vector<Segment> &segments) : segments_(segments) {}

  // False: that is behind the end.
  bool go(std::uint64_t distance) {
    for (;;) {
      const Segment &here = segments_[segment_];
      if (here.rate > 0) {
        const std::uint64_t step = wide_div(distance, here.rate);
        if (step < here.end - at_) {
          at_ += step;
          return true;
        }
        distance -= std::min(distance, wide_mul(here.end - at_, here.rate));
      }
      at_ = here.end;
      if (++segment_ == segments_.size())
        return false;
    }
  }
  std::uint64_t at() const { return at_; }
  const Segment &segment() const { return segments_[segment_]; }

private:
  using Wide = unsigned __int128;
  static constexpr std::uint64_t second = 1'000'000'000;
  // Nanoseconds for a distance at that rate, and the other way round.
  static std::uint64_t wide_div(std::uint64_t distance, std::uint64_t rate) {
    return static_cast<std::uint64_t>(Wide(distance) * second / rate >> 24);
  }
  static std::uint64_t wide_mul(std::uint64_t ns, std::uint64_t rate) {
    return static_cast<std::uint64_t>((Wide(ns) * rate << 24) / second);
  }

  const std::vector<Segment> &segments_;
  std::size_t segment_ = 0;
  std::uint64_t at_ = 0;
};

void make_arrivals(const Profile &profile, const std::vector<Segment> &segments, Random &random,
                   Schedule &schedule) {
  std::uint64_t expected = 16;
  for (const Segment &segment : segments)
    expected += (segment.end - segment.begin) / 1'000'000 * segment.rate / 1000;
  schedule.arrivals.reserve(expected * 11 / 10);
  const int at_once = profile.arrivals == Arrivals::bursty ? profile.burst : 1;
  Walk walk(segments);
  for (std::size_t i = 0; walk.go(distance(profile, random));)
    for (int n = 0; n < at_once; ++n, ++i)
      schedule.arrivals.push_back({nanoseconds(static_cast<std::int64_t>(walk.at())),
                                   choose(profile, walk.segment(), i, random)});
}

void make_users(const Profile &profile, const std::vector<Segment> &segments, Random &random,
                Schedule &schedule) {
  const auto window = static_cast<std::uint64_t>(nanoseconds(stagger).count());
  for (const Segment &segment : segments)
    for (int n = 0; n < segment.users; ++n) {
      UserPlan user;
      user.start = nanoseconds(static_cast<std::int64_t>(segment.begin + random.below(window)));
      user.end = nanoseconds(static_cast<std::int64_t>(segment.end));
      // Users begin at different places of the cycle, or all would submit at once.
      const auto first = static_cast<std::size_t>(random.below(segment.cycle->size()));
      user.choices.reserve(choices_per_user);
      for (std::size_t i = 0; i < choices_per_user; ++i)
        user.choices.push_back(choose(profile, segment, first + i, random));
      schedule.users.push_back(std::move(user));
    }
}

} // namespace

std::uint64_t exponential_q24(std::uint64_t u) {
  // log2(u): the whole part is the position of the highest bit. Each squaring of
  // the mantissa, a number in [1, 2) with 31 bits after the point, gives one
  // more binary digit of the fraction.
  const int whole = std::bit_width(u) - 1;
  std::uint64_t mantissa = whole >= 31 ? u >> (whole - 31) : u << (31 - whole);
  std::uint64_t log2 = static_cast<std::uint64_t>(whole);
  for (int digit = 0; digit < 24; ++digit) {
    mantissa = (mantissa * mantissa) >> 31;
    log2 <<= 1;
    if (mantissa >= (std::uint64_t{1} << 32)) {
      log2 |= 1;
      mantissa >>= 1;
    }
  }
  const std::uint64_t minus_log2 = (std::uint64_t{64} << 24) - log2;
  constexpr std::uint64_t ln2_q24 = 11'629'080; // ln 2 * 2^24
  return (minus_log2 * ln2_q24) >> 24;
}

Schedule make_schedule(const Profile &profile, std::uint64_t seed) {
  check(profile);
  Random random(seed);
  Schedule schedule;
  const std::vector<Segment> segments = segments_of(profile);
  if (profile.model == Model::open)
    make_arrivals(profile, segments, random, schedule);
  else
    make_users(profile, segments, random, schedule);

  Fingerprint fingerprint;
  for (const Arrival &arrival : schedule.arrivals) {
    fingerprint.add(static_cast<std::uint64_t>(arrival.due.count()));
    fingerprint.add(arrival.choice);
  }
  for (const UserPlan &user : schedule.users) {
    fingerprint.add(static_cast<std::uint64_t>(user.start.count()));
    if (!profile.stages.empty())
      fingerprint.add(static_cast<std::uint64_t>(user.end.count()));
    for (const Choice &choice : user.choices)
      fingerprint.add(choice);
  }
  schedule.fingerprint = fingerprint.value();
  return schedule;
}

std::string fingerprint_text(std::uint64_t fingerprint) {
  return fmt::format("{:016x}", fingerprint);
}

} // namespace lab::load
