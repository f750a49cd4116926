// What a process can still say when a library kills it: whether the stack
// overflowed, a null pointer was used, or which exception nobody caught.
// [verifier's main thread, once, before the library is loaded]
#pragma once

#include "plugins/verifier/channel.hpp"

namespace lab::plugin {

// From now on the end by a fault or by std::terminate is noted on `channel`,
// which must live until the process ends. The signal then kills as it would have.
void note_last_words_on(Channel &channel);

} // namespace lab::plugin
