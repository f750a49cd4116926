// What a bug report holds, as text with nothing taken out yet: the machine, the lab
// as it is, its records and the ends of its logs. Looks only, and never throws: a
// part that can't be told says so, for the lab may be down, broken or half there.
// [one thread]
#pragma once

#include <string>
#include <vector>

#include "loadtest/lab/checks.hpp"
#include "loadtest/lab/places.hpp"

namespace lab::cli {

std::string gathered(const Places &places, const std::vector<Check> &checks);

} // namespace lab::cli
