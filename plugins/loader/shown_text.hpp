// Text from a plugin, made safe to show in a log, a terminal, a page or JSON:
// one line of valid UTF-8. [any thread]
#pragma once

#include <string>
#include <string_view>

namespace lab::plugin {

// Control characters and bytes that are no UTF-8 become \xNN, line ends become
// one space; longer than `most` bytes is cut off and closed with "...".
std::string shown_text(std::string_view text, std::size_t most = 400);

} // namespace lab::plugin
