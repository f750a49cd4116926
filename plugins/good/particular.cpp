// Refuses settings that don't go together, and saves nothing. Past the SDK, as one in C may do, it
// leaves what it refused where it is, until what was in force is set.
#include <stdexcept>

#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct Particular {
  int low = 1, high = 10;

  void params(Params &p) {
    p.add("low", low, 0, 100, "connections kept ready");
    p.add("high", high, 1, 100, "connections, at most");
    if (low > high)
      throw std::invalid_argument("low is above high");
  }

  Plan look(const Observation &) {
    if (low > high)
      throw std::logic_error("nobody was to see this");
    Plan plan;
    plan.min_idle = static_cast<unsigned>(low);
    plan.max_in_use = static_cast<unsigned>(high);
    return plan;
  }

  size_t save(void *, size_t) { return 0; }
  bool restore(const void *, size_t size) { return size == sizeof low; }
};

extern "C" const pl_strategy *pool_lab_strategy(void) {
  static pl_param params[POOL_LAB_MAX_PARAMS];
  static pl_strategy table;
  glue::describe<Particular>(table, params, "refuses settings that contradict each other");
  table.set = [](void *self, uint32_t param, double value, pl_text *error) -> int32_t {
    try {
      Params one(param, value);
      static_cast<Particular *>(self)->params(one);
    } catch (const std::invalid_argument &e) {
      Line(error) << e.what();
      return 1;
    }
    return 0;
  };
  return &table;
}
