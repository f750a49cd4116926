// The first thing that a compiler or a linker says against a file: the rest of a
// page mostly follows from it. [any thread]
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lab::cli {

struct Complaint {
  std::string file;                 // as the compiler names it; "" when it is the linker's
  int line = 0;                     // 0: unknown
  int column = 0;                   // 0: unknown
  std::string message;              // one line
  std::vector<std::string> excerpt; // the line of the file, and a mark below it; may be empty

  // "little.cpp:12:5: 'foo' was not declared in this scope"
  std::string headline() const;
  // The headline, and the excerpt below it.
  std::string text() const;
};

// `output` is what GCC or clang wrote in plain English without colours. An error
// inside a header that `source` made it reach is told at the line of `source`.
Complaint first_error(std::string_view output, std::string_view source);

// The same of what it only warns of; nothing when it doesn't.
std::optional<Complaint> first_warning(std::string_view output, std::string_view source);

} // namespace lab::cli
