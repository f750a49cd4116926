#include "loadtest/lab/authoring/complaint.hpp"

#include <cstddef>
#include <optional>
#include <regex>
#include <sstream>

#include <fmt/format.h>

namespace lab::cli {
namespace {

using Lines = std::vector<std::string>;

Lines lines_of(std::string_view text) {
  Lines lines;
  std::istringstream in{std::string(text)};
  for (std::string line; std::getline(in, line);)
    lines.push_back(line);
  return lines;
}

struct Position {
  std::string file;
  int line = 0;
  int column = 0;
};

std::optional<Position> position_in(const std::smatch &found) {
  try {
    return Position{found[1].str(), std::stoi(found[2].str()),
                    found[3].matched ? std::stoi(found[3].str()) : 0};
  } catch (const std::exception &) { // a number that is none
    return std::nullopt;
  }
}

// "   12 |   foo();" and "      |   ^~~"
bool is_excerpt(const std::string &line) {
  static const std::regex shape(R"(^ *[0-9]* \| .*)");
  return std::regex_match(line, shape);
}

Lines excerpt_after(const Lines &lines, std::size_t at) {
  Lines excerpt;
  for (std::size_t i = at + 1; i < lines.size() && excerpt.size() < 2 && is_excerpt(lines[i]); ++i)
    excerpt.push_back(lines[i]);
  return excerpt;
}

// Where `source` made the compiler reach the header that it complains of: it says
// so before the error for templates, and after it for macros.
std::optional<std::size_t> cause_in(const Lines &lines, std::size_t error,
                                    std::string_view source) {
  const auto names_source = [&](const std::string &line) {
    return line.starts_with(source) && line.size() > source.size() && line[source.size()] == ':';
  };
  for (std::size_t i = error; i-- > 0;)
    if (names_source(lines[i]) && lines[i].find("required from here") != std::string::npos)
      return i;
    else if (lines[i].find(" error: ") != std::string::npos)
      break;
  for (std::size_t i = error + 1; i < lines.size(); ++i)
    if (names_source(lines[i]) && lines[i].find("in expansion of macro") != std::string::npos)
      return i;
    else if (lines[i].find(" error: ") != std::string::npos)
      break;
  return std::nullopt;
}

const std::regex &position_shape() {
  static const std::regex shape(R"(^([^:]+):([0-9]+)(?::([0-9]+))?:.*)");
  return shape;
}

std::optional<Complaint> of_the_compiler(const Lines &lines, std::string_view source,
                                         const std::regex &shape) {
  for (std::size_t i = 0; i < lines.size(); ++i) {
    std::smatch found;
    if (!std::regex_match(lines[i], found, shape))
      continue;
    auto position = position_in(found);
    if (!position)
      continue;
    Complaint first{"", 0, 0, found[4].str(), excerpt_after(lines, i)};
    if (position->file != source) {
      std::smatch cause;
      const auto at = cause_in(lines, i, source);
      if (at && std::regex_match(lines[*at], cause, position_shape())) {
        position = position_in(cause);
        first.excerpt = excerpt_after(lines, *at);
      }
    }
    if (position) {
      first.file = position->file;
      first.line = position->line;
      first.column = position->column;
    }
    return first;
  }
  return std::nullopt;
}

std::optional<Complaint> of_the_linker(const Lines &lines) {
  static const std::regex undefined(
      R"(.*(?:undefined reference to|undefined symbol:) [`']?([^`']+?)'?$)");
  for (const std::string &line : lines) {
    std::smatch found;
    if (std::regex_match(line, found, undefined))
      return Complaint{
          "", 0, 0, fmt::format("{} is used and nowhere defined: define it", found[1].str()), {}};
  }
  return std::nullopt;
}

} // namespace

std::string Complaint::headline() const {
  if (file.empty())
    return message;
  return column > 0 ? fmt::format("{}:{}:{}: {}", file, line, column, message)
                    : fmt::format("{}:{}: {}", file, line, message);
}

std::string Complaint::text() const {
  std::string all = headline();
  for (const std::string &part : excerpt)
    all += "\n" + part;
  return all;
}

Complaint first_error(std::string_view output, std::string_view source) {
  const Lines lines = lines_of(output);
  static const std::regex error(R"(^([^:]+):([0-9]+)(?::([0-9]+))?: (?:fatal )?error: (.*)$)");
  if (auto found = of_the_compiler(lines, source, error))
    return *found;
  if (auto found = of_the_linker(lines))
    return *found;
  // Whatever it was, its first words are better than none.
  for (const std::string &line : lines)
    if (line.find_first_not_of(" \t\r") != std::string::npos)
      return {"", 0, 0, line, {}};
  return {"", 0, 0, "the compiler failed and said nothing", {}};
}

std::optional<Complaint> first_warning(std::string_view output, std::string_view source) {
  static const std::regex warning(R"(^([^:]+):([0-9]+)(?::([0-9]+))?: warning: (.*)$)");
  return of_the_compiler(lines_of(output), source, warning);
}

} // namespace lab::cli
