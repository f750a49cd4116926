// One library tried as the host would try it, by the same program and as the same
// user. [any thread]
#pragma once

#include <filesystem>
#include <string>

#include "loadtest/lab/authoring/compiler.hpp"
#include "loadtest/lab/places.hpp"
#include "plugins/verifier/verify.hpp"

namespace lab::cli {

// `how`: as it was built. Throws SetUpFailed where nothing can be tried.
plugin::Verdict tried(const Places &places, const std::string &name,
                      const std::filesystem::path &library, Build how = Build::usual);

} // namespace lab::cli
