// Has a table that ends before its required functions.
#include "raw.hpp"

static void spoil(pl_strategy &table) {
  table.struct_size = 32;
}

SPOILT_STRATEGY(spoil);
