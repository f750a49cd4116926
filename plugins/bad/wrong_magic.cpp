// Returns something that is no table.
#include "raw.hpp"

static void spoil(pl_strategy &table) {
  table.magic = 0xDEADBEEF;
}

SPOILT_STRATEGY(spoil);
