// The neighbour application of a profile: another program that needs a
// connection of the same PostgreSQL now and then, and goes away again at once.
// It fails when somebody else's pool has taken all of them.
#pragma once

#include "loadtest/recorded.hpp"

#include <chrono>
#include <string>
#include <thread>

namespace lab::load {

class Neighbour { // [any thread]
public:
  using Clock = std::chrono::steady_clock;

  // Tries once every `every` until destroyed. Counts the tries begun from
  // `count_from` to `count_to`.
  Neighbour(std::string conninfo, std::chrono::milliseconds every, Clock::time_point count_from,
            Clock::time_point count_to);

  // Ends its thread; takes as long as the try under way, at most `connect_limit`.
  NeighbourCount stop();

  static constexpr std::chrono::milliseconds connect_limit{500};

private:
  void live(std::stop_token stop);

  const std::string conninfo_;
  const std::chrono::milliseconds every_;
  const Clock::time_point count_from_;
  const Clock::time_point count_to_;
  NeighbourCount count_; // of the thread; read after it ended
  std::jthread thread_;
};

} // namespace lab::load
