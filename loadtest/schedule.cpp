#include "loadtest/schedule.hpp"

#include "loadtest/random.hpp"

#include <bit>

#include <fmt/format.h>

namespace lab::load {
namespace {

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

Choice choose(const Profile &profile, std::size_t position, Random &random) {
  const Route route = profile.cycle[position % profile.cycle.size()];
  std::uint64_t variant = 0;
  if (route == Route::submit_job)
    variant = random.below(5);
  else if (route == Route::contend)
    variant = 1 + random.below(static_cast<std::uint64_t>(profile.rows));
  return {route, static_cast<std::uint8_t>(variant)};
}

void make_arrivals(const Profile &profile, Random &random, Schedule &schedule) {
  const auto end = static_cast<std::uint64_t>(nanoseconds(profile.total()).count());
  const auto rate = static_cast<std::uint64_t>(profile.rate);
  schedule.arrivals.reserve(end / 1'000'000'000 * rate * 11 / 10 + 16);
  std::uint64_t due = 0;
  for (std::size_t i = 0;; ++i) {
    std::uint64_t u = random.next();
    if (u == 0)
      u = 1;
    // At most 45 * 2^24 * 10^9, which is under 2^60.
    due += exponential_q24(u) * 1'000'000'000ULL / rate >> 24;
    if (due >= end)
      return;
    schedule.arrivals.push_back(
        {nanoseconds(static_cast<std::int64_t>(due)), choose(profile, i, random)});
  }
}

void make_users(const Profile &profile, Random &random, Schedule &schedule) {
  const auto window = static_cast<std::uint64_t>(nanoseconds(stagger).count());
  schedule.users.resize(static_cast<std::size_t>(profile.users));
  for (UserPlan &user : schedule.users) {
    user.start = nanoseconds(static_cast<std::int64_t>(random.below(window)));
    // Users begin at different places of the cycle, or all would submit at once.
    const auto first = static_cast<std::size_t>(random.below(profile.cycle.size()));
    user.choices.reserve(choices_per_user);
    for (std::size_t i = 0; i < choices_per_user; ++i)
      user.choices.push_back(choose(profile, first + i, random));
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
  if (profile.model == Model::open)
    make_arrivals(profile, random, schedule);
  else
    make_users(profile, random, schedule);

  Fingerprint fingerprint;
  for (const Arrival &arrival : schedule.arrivals) {
    fingerprint.add(static_cast<std::uint64_t>(arrival.due.count()));
    fingerprint.add(arrival.choice);
  }
  for (const UserPlan &user : schedule.users) {
    fingerprint.add(static_cast<std::uint64_t>(user.start.count()));
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
