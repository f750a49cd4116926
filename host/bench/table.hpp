// What was measured, as text. [one thread]
#pragma once

#include <cstdio>

#include "host/bench/comparison.hpp"

namespace lab::bench {

// Operations a second with nothing recorded, and waits from slices of their own.
void print_free(std::FILE *to, const Comparison &speed, const Comparison &waits);
void print_held(std::FILE *to, const Comparison &held);

} // namespace lab::bench
