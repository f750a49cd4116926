#include "loadtest/lab/bug_report/redaction.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "loadtest/lab/bug_report/looks_secret.hpp"

namespace lab::cli {
namespace {

constexpr const char *taken_out = "(secret)";

// A shorter password is taken out as a whole word only: "a" is in every other word.
constexpr std::size_t too_short_to_be_found_anywhere = 6;

bool of_a_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// `characters` of `text` with `before` before each.
std::string escaped(const std::string &text, std::string_view characters, char before) {
  std::string out;
  for (const char c : text) {
    if (characters.find(c) != std::string_view::npos)
      out += before;
    out += c;
  }
  return out;
}

std::string doubled(const std::string &text, char what) {
  return escaped(text, std::string_view(&what, 1), what);
}

std::string percent_encoded(const std::string &text, std::string_view kept) {
  std::string out;
  for (const char c : text)
    out += of_a_word(c) || kept.find(c) != std::string_view::npos
               ? std::string(1, c)
               : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  return out;
}

std::string in_json(const std::string &text) {
  const std::string quoted =
      nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return quoted.substr(1, quoted.size() - 2);
}

std::string lower_case_hex(std::string text) {
  for (std::size_t i = 0; i + 2 < text.size(); ++i)
    if (text[i] == '%')
      for (const std::size_t digit : {i + 1, i + 2})
        text[digit] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[digit])));
  return text;
}

// As a password file, a connection string, SQL, a URL and JSON have it.
std::set<std::string> forms_of(const std::string &value) {
  std::set<std::string> forms = {value,
                                 escaped(value, ":\\", '\\'),
                                 escaped(value, "'\\", '\\'),
                                 doubled(value, '\''),
                                 doubled(doubled(value, '\''), '\\'),
                                 percent_encoded(value, "-.~"),
                                 lower_case_hex(percent_encoded(value, "-.~"))};
  for (const std::string &form : std::set<std::string>(forms))
    forms.insert(in_json(form)); // a connection string in a record
  return forms;
}

enum class Where { anywhere, whole_words, whole_names };

bool stands_alone(const std::string &text, std::size_t at, std::size_t size, Where where) {
  if (where == Where::anywhere)
    return true;
  const auto belongs = [where](char c) {
    return of_a_word(c) || (where == Where::whole_names && (c == '-' || c == '.'));
  };
  // What stands before a folder's path is no part of its name: -I/home/me.
  const bool before = where == Where::whole_words && at > 0 && belongs(text[at - 1]);
  const std::size_t next = at + size;
  const bool ends_a_sentence = next < text.size() && text[next] == '.' &&
                               !(next + 1 < text.size() && of_a_word(text[next + 1]));
  const bool behind = next < text.size() && belongs(text[next]) && !ends_a_sentence;
  return !before && !behind;
}

void replace_all(std::string &text, const std::string &what, const std::string &by, Where where) {
  for (std::size_t at = text.find(what); at != std::string::npos;) {
    if (stands_alone(text, at, what.size(), where)) {
      text.replace(at, what.size(), by);
      at = text.find(what, at + by.size());
    } else {
      at = text.find(what, at + 1);
    }
  }
}

bool tells_nothing(const std::string &name) {
  static constexpr std::array<std::string_view, 7> everywhere = {
      "", "root", "pool-lab", "postgres", "nobody", "localhost", "127.0.0.1"};
  return std::count(everywhere.begin(), everywhere.end(), name) > 0 || name == "::1";
}

void longest_first(auto &all, auto size_of) {
  std::stable_sort(all.begin(), all.end(), [size_of](const auto &a, const auto &b) {
    return size_of(a) > size_of(b); // else a part of it would be all that goes
  });
}

} // namespace

void Redaction::secret(const std::string &value) {
  if (value.empty())
    return;
  for (const std::string &form : forms_of(value))
    if (std::count(secrets_.begin(), secrets_.end(), form) == 0)
      secrets_.push_back(form);
  longest_first(secrets_, [](const std::string &one) { return one.size(); });
}

void Redaction::folder(const std::filesystem::path &path, const std::string &shown) {
  const std::string text = path.string();
  if (text.size() < 2 || text.front() != '/')
    return;
  for (const std::string &form : {text, percent_encoded(text, "-.~/:")})
    folders_.emplace_back(form, shown);
  longest_first(folders_, [](const Replacement &one) { return one.first.size(); });
}

void Redaction::user(const std::string &name) {
  if (!tells_nothing(name))
    words_.emplace_back(name, "USER");
  longest_first(words_, [](const Replacement &one) { return one.first.size(); });
}

void Redaction::host(const std::string &name) {
  if (!tells_nothing(name))
    words_.emplace_back(name, "HOST");
  longest_first(words_, [](const Replacement &one) { return one.first.size(); });
}

std::string Redaction::operator()(std::string text) const {
  // First of all, as long as nothing is cut: a half of a password is found by nobody.
  for (const std::string &secret : secrets_)
    replace_all(text, secret, taken_out,
                secret.size() < too_short_to_be_found_anywhere ? Where::whole_words
                                                               : Where::anywhere);
  for (const auto &[path, shown] : folders_)
    replace_all(text, path, shown, Where::whole_names);
  text = without_what_looks_secret(text);
  for (const auto &[word, shown] : words_)
    replace_all(text, word, shown, Where::whole_words);
  return text;
}

} // namespace lab::cli
