// The learner's own strategies stand in $LAB_WORK/my/strategies, where the host's
// user may have no way in. So they are handed over: copied to $LAB_HOME/my.
#pragma once

#include "loadtest/lab/places.hpp"

namespace lab::cli {

// Brings the copies up to date: new and changed ones appear whole, those whose
// original is gone go. A file that can't be read is left out. [any thread, any
// process]
void hand_over_strategies(const Places &places);

} // namespace lab::cli
