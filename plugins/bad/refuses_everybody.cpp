// Answers each request that has to wait with a refusal.
#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct RefusesEverybody {
  Plan look(const Observation &) { return {}; }
  Verdict admit(const Ask &) { return Verdict::refuse(); }
};

POOL_LAB_STRATEGY(RefusesEverybody, "Answers each request that has to wait with a refusal.")
