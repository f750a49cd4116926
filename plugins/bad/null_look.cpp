// Has no look.
#include "raw.hpp"

static void spoil(pl_strategy &table) {
  table.look = nullptr;
}

SPOILT_STRATEGY(spoil);
