// Was built for another major version of the interface.
#include "raw.hpp"

static void spoil(pl_strategy &table) {
  table.abi_major = 2;
  table.abi_minor = 7;
}

SPOILT_STRATEGY(spoil);
