// A good strategy on the bare C ABI, for bad ones to spoil at one place.
// [bad strategies only]
#pragma once

#include "pool_lab/strategy.h"

namespace {

int some_state;

void *good_create(pl_text *) {
  return &some_state;
}
void good_destroy(void *) {}
[[maybe_unused]] int32_t good_look(void *, const pl_observation *, pl_plan *, pl_text *) {
  return 0;
}

pl_strategy good_table() {
  pl_strategy table{};
  table.struct_size = sizeof table;
  table.magic = POOL_LAB_MAGIC;
  table.abi_major = POOL_LAB_ABI_MAJOR;
  table.abi_minor = POOL_LAB_ABI_MINOR;
  table.summary = "spoilt on purpose";
  table.create = good_create;
  table.destroy = good_destroy;
  table.look = good_look;
  return table;
}

} // namespace

// `spoil` changes the good table before the host sees it.
#define SPOILT_STRATEGY(spoil)                                                                     \
  static pl_strategy spoilt;                                                                       \
  extern "C" const pl_strategy *pool_lab_strategy(void) {                                          \
    spoilt = good_table();                                                                         \
    spoil(spoilt);                                                                                 \
    return &spoilt;                                                                                \
  }                                                                                                \
  static_assert(true, "ends the macro, so that a semicolon may follow")
