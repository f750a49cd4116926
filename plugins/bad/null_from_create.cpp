// Can never be created, and says why.
#include "raw.hpp"

static void *create(pl_text *error) {
  const char why[] = "no room for my\nbig table \x1b[31m";
  for (size_t i = 0; i < sizeof why && i < error->capacity; ++i)
    error->data[i] = why[i];
  return nullptr;
}

static void spoil(pl_strategy &table) {
  table.create = create;
}

SPOILT_STRATEGY(spoil);
