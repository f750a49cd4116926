// What a process can still say when a library kills it: whether the stack
// overflowed, a null pointer was used, or which exception nobody caught.
// [verifier's main thread, once, before the library is loaded]
#pragma once

#include <cstdint>

#include "plugins/verifier/channel.hpp"

namespace lab::plugin {

// From now on the end by a fault or by std::terminate is noted on `channel`,
// which must live until the process ends. The signal then kills as it would have.
void note_last_words_on(Channel &channel);

// Where the library lies in memory, once it is loaded, so that a fault in it is told with
// its place.
void library_lies_at(std::uintptr_t begin, std::uintptr_t end);

} // namespace lab::plugin
