#include "loadtest/lab/bug_report/log_end.hpp"

#include <fstream>
#include <regex>
#include <sstream>

namespace lab::cli {
namespace {

// More is never wanted of one log, however long its lines are.
constexpr std::streamoff most_bytes = 60'000;

} // namespace

std::optional<std::string> end_of_log(const std::filesystem::path &file, std::size_t lines) {
  std::ifstream in(file, std::ios::binary | std::ios::ate);
  if (!in)
    return std::nullopt;
  const std::streamoff size = in.tellg();
  const std::streamoff from = size > most_bytes ? size - most_bytes : 0;
  in.seekg(from);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (from > 0) // half a line may be half a password, which nobody would find
    text.erase(0, text.find('\n') == std::string::npos ? text.size() : text.find('\n') + 1);
  std::size_t at = text.empty() ? 0 : text.size() - 1;
  for (std::size_t n = 0; n < lines && at > 0; ++n) {
    at = text.rfind('\n', at - 1);
    if (at == std::string::npos)
      return text;
  }
  return at == 0 ? text : text.substr(at + 1);
}

std::string without_data(const std::string &log) {
  static const std::regex data(R"(\b(DETAIL|CONTEXT|STATEMENT|QUERY):.*)");
  std::istringstream lines(log);
  std::string out;
  bool left_out = false;
  for (std::string line; std::getline(lines, line);) {
    if (left_out && line.starts_with('\t')) // it goes on
      continue;
    // A tail may begin in the middle of one.
    left_out = std::regex_search(line, data) || (out.empty() && line.starts_with('\t'));
    out += std::regex_replace(line, data, "$1: (left out)") + '\n';
  }
  return out;
}

} // namespace lab::cli
