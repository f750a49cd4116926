#include "loadtest/server_timing.hpp"

#include <charconv>
#include <cmath>

namespace lab::load {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

// Takes what stands before `separator` off the text.
std::string_view next_part(std::string_view &text, char separator) {
  const std::size_t end = text.find(separator);
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return trimmed(part);
}

std::int64_t duration_of(std::string_view parameters) {
  while (!parameters.empty()) {
    std::string_view parameter = next_part(parameters, ';');
    if (parameter.substr(0, 4) != "dur=")
      continue;
    parameter.remove_prefix(4);
    double ms = 0;
    const auto read = std::from_chars(parameter.data(), parameter.data() + parameter.size(), ms);
    // An hour: more than any request may take.
    if (read.ec == std::errc() && ms >= 0 && ms <= 3'600'000)
      return std::llround(ms * 1e6);
  }
  return -1;
}

} // namespace

ServerTiming parse_server_timing(std::string_view header) {
  ServerTiming timing;
  while (!header.empty()) {
    std::string_view metric = next_part(header, ',');
    const std::string_view name = next_part(metric, ';');
    if (name == "wait")
      timing.wait = duration_of(metric);
    else if (name == "hold")
      timing.hold = duration_of(metric);
  }
  return timing;
}

} // namespace lab::load
