// A strategy's table as the library gives it: not trusted, and read only as far
// as it says it reaches. [governor], while the library is loaded
#pragma once

#include <string>
#include <vector>

#include "plugins/loader/param.hpp"
#include "pool_lab/strategy.h"

namespace lab::plugin {

// A copy in which what the library's table lacks is NULL. Throws Unusable.
pl_strategy checked_copy(const pl_strategy *table);

// The parameters of a checked table, copied out. Throws Unusable.
std::vector<Param> checked_params(const pl_strategy &table);

// A text of the library, safe to show; empty for NULL.
std::string text_of(const char *text);

} // namespace lab::plugin
