// Messages of PostgreSQL are several lines long; ours are one.
#pragma once

#include <string>
#include <string_view>

namespace lab::db {

// Line ends and runs of blanks become one blank; LOCATION lines (where in
// PostgreSQL's source an error arose) go.
std::string one_line(std::string_view text);

} // namespace lab::db
