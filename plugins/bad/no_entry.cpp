// Forgot the line that makes it a strategy.
#include "pool_lab/strategy.hpp"

struct NoEntry {
  pool_lab::Plan look(const pool_lab::Observation &) { return {}; }
};

// Something has to use it, or the compiler would leave nothing at all.
extern "C" unsigned not_the_entry() {
  return NoEntry{}.look({}).max_in_use;
}
