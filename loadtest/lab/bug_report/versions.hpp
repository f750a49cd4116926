// Of what this lab is made: itself, the libraries it was built with, the packages.
// May throw; the caller says so in place of it. [one thread]
#pragma once

#include <string>

#include "loadtest/lab/places.hpp"

namespace lab::cli {

std::string versions_text(const Places &places);

// Of Debian's packages that scripts/packages names, a line each.
std::string packages_text();

} // namespace lab::cli
