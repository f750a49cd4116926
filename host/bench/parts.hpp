// What an acquire and a give-back of ours are made of, on one thread: ordinary
// benchmarks, so that it can be seen what a shorter way would save.
#pragma once

#include <memory>

#include "host/bench/governed_pool.hpp"

namespace lab::bench {

// `pool` is made when it is first needed. It must not outlive main: it uses what each
// thread keeps, and the main thread's is gone by then.
void register_parts(std::unique_ptr<GovernedPool> &pool);

} // namespace lab::bench
