#include "host/bench/table.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "host/bench/overtakes.hpp"

namespace lab::bench {
namespace {

using std::chrono::nanoseconds;

// What a thread can lose between its own note and the pool's lock, or after it is served.
constexpr nanoseconds margin = std::chrono::microseconds(200);

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1)
    return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

template <class Of> std::vector<double> by_round(const Comparison &all, Of of) {
  std::vector<double> values;
  for (std::size_t round = 0; round < all.rounds(); ++round)
    values.push_back(of(round));
  return values;
}

std::optional<std::size_t> place_of_ours(const Comparison &all) {
  for (std::size_t i = 0; i < all.pools().size(); ++i)
    if (all.pools()[i]->name() == "ours")
      return i;
  return std::nullopt;
}

// "0.42 (0.38-0.47)": ours / that pool within a round; the median, the least, the most.
std::string paired(const Comparison &all, std::size_t pool) {
  const auto ours = place_of_ours(all);
  if (!ours || *ours == pool)
    return "";
  const auto ratios = by_round(all, [&](std::size_t round) {
    return all.of(*ours, round).per_second() / all.of(pool, round).per_second();
  });
  const auto [least, most] = std::minmax_element(ratios.begin(), ratios.end());
  return fmt::format("{:.2f} ({:.2f}-{:.2f})", median(ratios), *least, *most);
}

// Operations of the slowest and the fastest thread, in percent of an even share.
std::string shares(const Comparison &all, std::size_t pool) {
  const auto share = [&](bool most) {
    return median(by_round(all, [&](std::size_t round) {
      const auto &n = all.of(pool, round).operations;
      const auto [low, high] = std::minmax_element(n.begin(), n.end());
      const double even =
          static_cast<double>(all.of(pool, round).total()) / static_cast<double>(n.size());
      return 100 * static_cast<double>(most ? *high : *low) / std::max(even, 1.0);
    }));
  };
  return fmt::format("{:.0f}-{:.0f}", share(false), share(true));
}

WaitHistogram waits_of(const Comparison &all, std::size_t pool) {
  WaitHistogram merged;
  for (std::size_t round = 0; round < all.rounds(); ++round)
    merged.merge(all.of(pool, round).waits);
  return merged;
}

std::string duration(nanoseconds d) {
  const auto n = static_cast<double>(d.count());
  if (n < 1e3)
    return fmt::format("{:.0f} ns", n);
  if (n < 1e6)
    return fmt::format("{:.1f} us", n / 1e3);
  return fmt::format("{:.2f} ms", n / 1e6);
}

} // namespace

void print_free(std::FILE *to, const Comparison &speed, const Comparison &waits) {
  if (speed.rounds() == 0)
    return;
  fmt::print(to, "\n{} threads, {} connections, given back at once; {} rounds\n",
             speed.slice().threads, speed.slice().connections, speed.rounds());
  fmt::print(to, "{:<8}{:>14}{:>22}{:>14}{:>12}{:>12}{:>12}\n", "pool", "operations/s",
             "ours / it, paired", "threads, %", "wait p50", "p99.9", "max");
  for (std::size_t i = 0; i < speed.pools().size(); ++i) {
    const double rate =
        median(by_round(speed, [&](std::size_t round) { return speed.of(i, round).per_second(); }));
    fmt::print(to, "{:<8}{:>14.0f}{:>22}{:>14}", speed.pools()[i]->name(), rate, paired(speed, i),
               shares(speed, i));
    const WaitHistogram merged = waits_of(waits, i);
    if (merged.count() > 0)
      fmt::print(to, "{:>12}{:>12}{:>12}", duration(merged.quantile(500)),
                 duration(merged.quantile(999)), duration(merged.max()));
    fmt::print(to, "\n");
    const double retries = median(by_round(speed, [&](std::size_t round) {
      return static_cast<double>(speed.of(i, round).retries) /
             std::max(1.0, static_cast<double>(speed.of(i, round).total()));
    }));
    if (retries > 0)
      fmt::print(to, "        {} never waits: it said no {:.2f} times an operation\n",
                 speed.pools()[i]->name(), retries);
  }
}

void print_held(std::FILE *to, const Comparison &held) {
  if (held.rounds() == 0)
    return;
  fmt::print(to, "\n{} threads, {} connections, each held {} ms; {} rounds\n", held.slice().threads,
             held.slice().connections, held.slice().hold.count(), held.rounds());
  fmt::print(to, "{:<8}{:>14}{:>14}{:>12}{:>12}{:>12}{:>13}{:>12}\n", "pool", "operations/s",
             "threads, %", "wait p50", "p99.9", "max", "p99.9 / p50", "overtakes");
  for (std::size_t i = 0; i < held.pools().size(); ++i) {
    const double rate =
        median(by_round(held, [&](std::size_t round) { return held.of(i, round).per_second(); }));
    const WaitHistogram merged = waits_of(held, i);
    const auto middle = static_cast<double>(merged.quantile(500).count());
    std::uint64_t passed = 0;
    std::uint64_t exact = 0;
    std::uint64_t watched = 0; // rounds
    for (std::size_t round = 0; round < held.rounds(); ++round) {
      passed += overtakes(held.of(i, round).moments, margin);
      if (const auto &by_the_pool = held.of(i, round).by_the_pool) {
        exact += overtakes(*by_the_pool, nanoseconds(0));
        ++watched;
      }
    }
    fmt::print(to, "{:<8}{:>14.0f}{:>14}{:>12}{:>12}{:>12}{:>13.1f}{:>12}\n",
               held.pools()[i]->name(), rate, shares(held, i), duration(merged.quantile(500)),
               duration(merged.quantile(999)), duration(merged.max()),
               static_cast<double>(merged.quantile(999).count()) / std::max(middle, 1.0), passed);
    if (watched > 0)
      fmt::print(to, "        by the pool's own records, of {} rounds: {} overtakes\n", watched,
                 exact);
  }
  fmt::print(to, "overtakes: pairs served out of turn by more than {} us, of {} acquires (ours)\n",
             std::chrono::duration_cast<std::chrono::microseconds>(margin).count(),
             place_of_ours(held) ? waits_of(held, *place_of_ours(held)).count() : 0);
}

} // namespace lab::bench
