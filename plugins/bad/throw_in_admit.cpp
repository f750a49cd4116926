// Throws where only C may pass, when it is asked about a request.
#include <stdexcept>

#include "raw.hpp"

static int32_t admit(void *, const pl_ask *, pl_verdict *, pl_text *) {
  throw std::runtime_error("thrown at a request");
}

static void spoil(pl_strategy &table) {
  table.admit = admit;
}

SPOILT_STRATEGY(spoil);
