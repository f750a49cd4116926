// A profile's file, as learners read, copy and edit it. The lab's own ones are in profiles/,
// the format is described in docs/profiles.md. [any thread]
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "loadtest/profile.hpp"

namespace lab::load {

// One line: file, line, what is wrong, what may stand there.
class ProfileMistake : public std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

// `text` is what stands in `file`, whose name is in what is thrown: ProfileMistake.
Profile parse_profile(const std::string &name, std::string_view text, const std::string &file);

} // namespace lab::load
