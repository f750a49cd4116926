#include "loadtest/matrix/report.hpp"

#include <array>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include <fmt/format.h>

#include "loadtest/figures.hpp"

namespace lab::matrix {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::string part(const fs::path &file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  if (in)
    text << in.rdbuf();
  if (!in)
    throw std::runtime_error(
        fmt::format("{} can't be read: scripts/lab up installs it again", file.string()));
  return text.str();
}

// In a script element nothing but "</script" and "<!--" is special to a browser, and both begin
// with what JSON can write otherwise. The two separators are line ends to old ones.
std::string harmless(const json &data) {
  std::string safe;
  const std::string text = data.dump(-1, ' ', true, json::error_handler_t::replace); // ASCII
  safe.reserve(text.size());
  for (const char c : text)
    if (c == '<')
      safe += "\\u003c";
    else
      safe += c;
  return safe;
}

void put(std::string &page, const std::string &place, const std::string &text) {
  const std::size_t at = page.find(place);
  if (at == std::string::npos)
    throw std::runtime_error("report.html has no place " + place);
  page.replace(at, place.size(), text);
}

// RFC 4180; a text that a spreadsheet would take for a formula is kept a text.
std::string csv_field(const json &value) {
  if (value.is_null())
    return "";
  if (value.is_number())
    return load::shown(value);
  std::string text = value.get<std::string>(), quoted = "\"";
  if (!text.empty() && std::string("=+-@").find(text.front()) != std::string::npos)
    quoted += '\'';
  for (const char c : text)
    quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

} // namespace

std::string report_html(const fs::path &parts, const json &data) {
  std::string page = part(parts / "report.html");
  // The data last: what stands in it is not looked through for places.
  put(page, "/*dygraph.min.css*/", part(parts / "dygraph.min.css"));
  put(page, "/*report.css*/", part(parts / "report.css"));
  put(page, "/*dygraph.min.js*/", part(parts / "dygraph.min.js"));
  put(page, "/*report.js*/", part(parts / "report.js"));
  put(page, "/*data*/", harmless(data));
  return page;
}

std::string cells_csv(const json &data) {
  constexpr std::array columns = {"place",  "profile",        "arm",
                                  "block",  "verdict",        "ok_per_second",
                                  "p99_ms", "failed_percent", "connection_seconds"};
  std::string text;
  for (const char *column : columns)
    text += fmt::format("{}{}", text.empty() ? "" : ",", column);
  text += "\r\n";
  for (const json &cell : data.at("cells")) {
    std::string line;
    for (const char *column : columns)
      line += fmt::format("{}{}", column == columns.front() ? "" : ",", csv_field(cell.at(column)));
    text += line + "\r\n";
  }
  return text;
}

} // namespace lab::matrix
