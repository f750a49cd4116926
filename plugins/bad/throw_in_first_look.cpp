// Throws where only C may pass, before anything has happened.
#include <stdexcept>

#include "raw.hpp"

static int32_t look(void *, const pl_observation *, pl_plan *, pl_text *) {
  throw std::runtime_error("thrown at once");
}

static void spoil(pl_strategy &table) {
  table.look = look;
}

SPOILT_STRATEGY(spoil);
