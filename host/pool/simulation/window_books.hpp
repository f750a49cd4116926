// What an observation must show: counts, gauges, waits and holds, kept a second
// time from the events and actions alone. [one thread]
#pragma once

#include <array>
#include <string>
#include <tuple>
#include <vector>

#include "host/pool/window.hpp"

namespace lab::pool::simulation {

class WindowBooks {
public:
  explicit WindowBooks(std::uint32_t most_samples) : most_samples_(most_samples) {}

  void asked() { ++counts_.asked; }
  void served(Duration wait);
  void ended(Outcome how, Time asked, Duration wait, Duration hold);
  void connected(Duration took);
  void connect_failed(bool refused);
  void closed() { ++counts_.closed; }
  void levels(Time now, const Levels &now_are); // after every event

  // "" or how `counts` differs.
  std::string compare(const Counts &counts) const;
  // "" or how `seen`, taken now, differs. Begins the next window.
  std::string compare(const pl_observation &seen, Time now, Duration oldest_wait);

private:
  struct Total {
    std::uint64_t count = 0;
    Duration sum{};
    Duration min{};
    Duration max{};
  };
  struct Level {
    std::uint32_t now = 0;
    std::uint32_t low = 0;
    std::uint32_t high = 0;
    double area = 0;
  };
  static void note(Total &total, Duration d);
  static bool differs(const pl_total &seen, const Total &total);
  std::array<std::uint32_t, 5> row(const Levels &levels) const;

  const std::uint32_t most_samples_;
  Counts counts_;
  Counts at_start_;
  Time start_{};
  Time last_{};
  std::array<Level, 5> levels_;
  std::array<Total, PL_OUTCOMES> wait_;
  std::array<Total, PL_OUTCOMES> hold_;
  Total connect_;
  Duration longest_wait_{};
  std::vector<std::tuple<pl_ns, pl_ns, pl_ns, std::uint32_t>> ended_;
};

} // namespace lab::pool::simulation
