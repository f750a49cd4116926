#include "db/one_line.hpp"

namespace lab::db {

std::string one_line(std::string_view text) {
  std::string joined;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    if (line.starts_with("LOCATION:"))
      continue;
    bool pending_blank = !joined.empty();
    for (const char c : line) {
      if (c == ' ' || c == '\t' || c == '\r') {
        pending_blank = !joined.empty();
        continue;
      }
      if (pending_blank)
        joined += ' ';
      pending_blank = false;
      joined += c;
    }
  }
  return joined;
}

} // namespace lab::db
