#include "docs/test_messages.hpp"

#include <cctype>
#include <regex>
#include <set>
#include <sstream>

#include <fmt/format.h>

#include "docs/test_prose.hpp"

namespace lab::docs {
namespace {

namespace fs = std::filesystem;

bool is_test(const fs::path &file) {
  const std::string stem = file.stem();
  return stem.ends_with("_test") || stem.starts_with("test_") || stem.starts_with("test-");
}

// From behind the opening quote; `at` ends behind the closing one.
std::string quoted(const std::string &text, std::size_t &at) {
  std::string out;
  for (; at < text.size() && text[at] != '"' && text[at] != '\n'; ++at) {
    if (text[at] == '\\' && at + 1 < text.size())
      out += text[++at] == 'n' ? ' ' : text[at];
    else
      out += text[at];
  }
  ++at;
  return out;
}

// R"X(...)X": from behind the opening quote.
std::string raw(const std::string &text, std::size_t &at) {
  const auto open = text.find('(', at);
  const std::string close = fmt::format("){}\"", text.substr(at, open - at));
  const auto end = text.find(close, open);
  if (end == std::string::npos) {
    at = text.size();
    return "";
  }
  at = end + close.size();
  return text.substr(open + 1, end - open - 1);
}

void skip_line(const std::string &text, std::size_t &at) {
  at = std::min(text.find('\n', at), text.size());
}

void add_lines(const fs::path &file, std::vector<std::string> &all) {
  std::istringstream lines(text_of(file));
  for (std::string line; std::getline(lines, line);)
    all.push_back(line);
}

} // namespace

std::vector<std::string> strings_in(const std::string &text) {
  std::vector<std::string> all;
  bool joins = false; // nothing but blanks since the last one
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '"') {
      const bool is_raw = at > 0 && text[at - 1] == 'R';
      ++at;
      const std::string one = is_raw ? raw(text, at) : quoted(text, at);
      if (joins)
        all.back() += one;
      else
        all.push_back(one);
      joins = true;
    } else if (c == '\'' && at + 2 < text.size() && (at == 0 || !std::isalnum(text[at - 1]))) {
      at += text[at + 1] == '\\' ? 4 : 3; // a character, '"' for one
      joins = false;
    } else if (c == '/' && at + 1 < text.size() && text[at + 1] == '/') {
      skip_line(text, at);
    } else {
      joins = joins && (std::isspace(static_cast<unsigned char>(c)) != 0 ||
                        (c == 'R' && at + 1 < text.size() && text[at + 1] == '"'));
      ++at;
    }
  }
  return all;
}

std::vector<std::string> messages_of(const fs::path &source) {
  std::vector<std::string> all;
  for (const char *room : {"db", "host", "loadtest", "plugins", "dashboard", "scripts"})
    for (fs::recursive_directory_iterator entry(source / room), end; entry != end; ++entry) {
      if (entry->path().filename() == "node_modules")
        entry.disable_recursion_pending();
      if (!entry->is_regular_file() || is_test(entry->path()))
        continue;
      const std::string ending = entry->path().extension();
      if (ending == ".cpp" || ending == ".hpp") {
        for (std::string &one : strings_in(text_of(entry->path())))
          all.push_back(std::move(one));
      } else if (ending == ".js" || ending == ".html" || std::string(room) == "scripts") {
        add_lines(entry->path(), all);
      }
    }
  return all;
}

std::vector<std::string> pieces_of(const std::string &quotation) {
  // A word of capitals stands for another word, but where it is part of one: LAB_HOME.
  static const std::regex placeholder(R"(\.\.\.|…|\b(?:NAME|PORT|N|ROUTE|THAT-NAME)\b)");
  std::vector<std::string> pieces;
  for (std::sregex_token_iterator one(quotation.begin(), quotation.end(), placeholder, -1), end;
       one != end; ++one)
    if (one->length() > 0)
      pieces.push_back(*one);
  return pieces;
}

bool says(const std::string &message, const std::vector<std::string> &pieces) {
  std::size_t at = 0;
  for (const std::string &piece : pieces) {
    at = message.find(piece, at);
    if (at == std::string::npos)
      return false;
    at += piece.size();
  }
  return true;
}

} // namespace lab::docs
