// What the lab can say: every text in its sources, so that a page can be checked
// against it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace lab::docs {

// Each string of the C++ sources (neighbouring ones as one, escapes undone), each line
// of the scripts and of the page. Tests are left out.
std::vector<std::string> messages_of(const std::filesystem::path &source);

// All strings of one C++ text, in their order.
std::vector<std::string> strings_in(const std::string &text);

// What a quotation states: the pieces between its placeholders (`NAME`, `N`, `...`).
std::vector<std::string> pieces_of(const std::string &quotation);

// Whether `message` has all of them, in that order.
bool says(const std::string &message, const std::vector<std::string> &pieces);

} // namespace lab::docs
