// A strategy's table as the library gives it: not trusted, and read only as far
// as it says it reaches. [governor], while the library is loaded
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

#include "plugins/loader/param.hpp"
#include "pool_lab/strategy.h"

namespace lab::plugin {

// A copy in which what the library's table lacks is NULL. Throws Unusable.
pl_strategy checked_copy(const pl_strategy *table);

// Refuses a stride that no array of pl_param has. Throws Unusable.
void check_param_stride(std::uint32_t stride);

// The parameters as they stand in a checked table, each as far as both sides know it: a library
// that is older than this host has shorter ones, and what they lack is zero. Throws Unusable.
// `Entry` is another struct only in the test of a pl_param that has grown.
template <class Entry = pl_param> std::vector<Entry> raw_params(const pl_strategy &table) {
  check_param_stride(table.param_stride);
  std::vector<Entry> all(table.param_count);
  for (std::size_t i = 0; i < all.size(); ++i)
    std::memcpy(&all[i], reinterpret_cast<const char *>(table.params) + i * table.param_stride,
                std::min<std::size_t>(table.param_stride, sizeof(Entry)));
  return all;
}

// The parameters of a checked table, copied out. Throws Unusable.
std::vector<Param> checked_params(const pl_strategy &table);

// A text of the library, safe to show; empty for NULL.
std::string text_of(const char *text);

} // namespace lab::plugin
