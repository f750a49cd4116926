// Throws where only C may pass.
#include <stdexcept>

#include "raw.hpp"

static int32_t look(void *, const pl_observation *seen, pl_plan *, pl_text *) {
  if (seen->asked > 0)
    throw std::runtime_error("thrown across the border");
  return 0;
}

static void spoil(pl_strategy &table) {
  table.look = look;
}

SPOILT_STRATEGY(spoil);
