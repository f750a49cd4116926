// Which profile a name means: the lab's own, or the learner's of my/profiles. [any thread]
#pragma once

#include <string>
#include <vector>

#include "loadtest/lab/places.hpp"
#include "loadtest/profile.hpp"

namespace lab::cli {

// A profile by its name: the lab's own, or of my/profiles; or by its file (NAME.toml). Throws
// SetUpFailed: which names there are, or what is wrong in the file.
load::Profile profile_called(const Places &places, const std::string &name);

// Of my/profiles: names, sorted.
std::vector<std::string> own_profile_names(const Places &places);

} // namespace lab::cli
