// What an acquire and a give-back of ours are made of, on one thread: ordinary
// benchmarks, so that it can be seen what a shorter way would save.
#pragma once

namespace lab::bench {

void register_parts();

} // namespace lab::bench
