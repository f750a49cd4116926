// Has every optional function and every type of parameter.
#include <cstring>

#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct Everything {
  int max = 10;
  double factor = 0.5;
  bool newest_first = false;
  Duration wait = 500_ms;
  unsigned long looks = 0;

  void params(Params &p) {
    p.add("max", max, 1, 1000, "connections, at most");
    p.add("factor", factor, 0, 1, "of max");
    p.add("newest_first", newest_first, "serve the newest waiter first");
    p.add("wait_ms", wait, 0_ms, 10_s, "how long a request may wait");
  }

  Plan look(const Observation &) {
    ++looks;
    Plan plan;
    plan.max_in_use = static_cast<unsigned>(max * factor);
    plan.order = newest_first ? Order::lifo : Order::fifo;
    plan.wait_timeout = wait;
    return plan;
  }

  Verdict admit(const Ask &ask) {
    return ask.ahead > 50 ? Verdict::refuse() : Verdict::wait_at_back(wait);
  }

  void explain(Line &line) { line << "look " << looks << ", wait " << wait; }

  size_t save(void *bytes, size_t capacity) {
    if (capacity >= sizeof looks)
      std::memcpy(bytes, &looks, sizeof looks);
    return sizeof looks;
  }

  bool restore(const void *bytes, size_t size) {
    if (size != sizeof looks)
      return false;
    std::memcpy(&looks, bytes, size);
    return true;
  }
};

POOL_LAB_STRATEGY(Everything, "uses all that the interface offers");
