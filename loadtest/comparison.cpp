#include "loadtest/comparison.hpp"

#include "loadtest/figures.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>

#include <unistd.h>

#include <fmt/format.h>

namespace lab::load {
namespace {

using nlohmann::json;

// Below this share of the best rate a strategy is said to lag behind.
constexpr double clearly_less = 0.8;

std::string text_of(const json &summary, const char *path) {
  const json found = at(summary, path);
  return found.is_string() ? found.get<std::string>() : "";
}

// Terminal columns of UTF-8 text: one a code point, which holds for all that is
// printed here.
int columns(std::string_view text) {
  return static_cast<int>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

std::string fitted(std::string text, int width) {
  if (columns(text) <= width)
    return text;
  while (columns(text) > width - 1) {
    while ((static_cast<unsigned char>(text.back()) & 0xC0) == 0x80)
      text.pop_back();
    text.pop_back();
  }
  return text + "…";
}

enum class Side { left, right };

std::string padded(const std::string &text, int width, Side side) {
  const std::string room(static_cast<std::size_t>(std::max(0, width - columns(text))), ' ');
  return side == Side::left ? text + room : room + text;
}

// Terminal control characters have no business in a name that a file gave.
std::string printable(std::string text) {
  for (char &c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
      c = '?';
  return text;
}

std::string short_number(const json &number) {
  return number.is_number() ? shown(number) : "-";
}

struct Column {
  std::string head;
  int width;
  Side side;
};

std::string failures(const json &summary) {
  if (number_at(summary, "failed_percent") == 0)
    return "-";
  return fmt::format("{} % {}", shown(at(summary, "failed_percent")),
                     text_of(summary, "failed_main.code"));
}

std::string of(const json &summary, const char *part, const char *whole) {
  if (!at(summary, part).is_number())
    return "-";
  return fmt::format("{}/{}", shown(at(summary, part)), shown(at(summary, whole)));
}

const char *colour_of(const json &summary) {
  if (text_of(summary, "verdict") == "invalid")
    return "\033[2m";
  const std::string grade = text_of(summary, "grade");
  return grade == "green" ? "\033[32m" : grade == "yellow" ? "\033[33m" : "\033[31m";
}

// Broken at spaces; lines after the first are indented.
std::string wrapped(const std::string &text, int width, int indent) {
  std::string result;
  std::string line;
  const auto flush = [&] {
    result += line + "\n";
    line.assign(static_cast<std::size_t>(indent), ' ');
  };
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    const std::string word = text.substr(begin, end - begin);
    const bool fresh = columns(line) <= indent && line.find_first_not_of(' ') == std::string::npos;
    if (!fresh && columns(line) + 1 + columns(word) > width)
      flush();
    const bool at_start = line.find_first_not_of(' ') == std::string::npos;
    line += (at_start ? "" : " ") + word;
    begin = end + 1;
  }
  flush();
  return result;
}

} // namespace

Style style_for(int descriptor) {
  Style style;
  const char *no_colour = std::getenv("NO_COLOR");
  style.colour = isatty(descriptor) == 1 && (no_colour == nullptr || *no_colour == '\0');
  return style;
}

std::string verdict_sign(const json &summary) {
  if (text_of(summary, "verdict") == "invalid")
    return "? invalid";
  const std::string grade = text_of(summary, "grade");
  return grade == "green" ? "✓ green" : grade == "yellow" ? "! yellow" : "✗ red";
}

void relate(std::vector<json> &summaries) {
  double best = 0;
  for (const json &summary : summaries)
    if (text_of(summary, "verdict") != "invalid")
      best = std::max(best, number_at(summary, "rate.ok"));
  for (json &summary : summaries)
    summary["relative_rate"] = best > 0 && text_of(summary, "verdict") != "invalid"
                                   ? json(rounded(number_at(summary, "rate.ok") / best))
                                   : json();
}

std::vector<std::string> comparison_sentences(const std::vector<json> &summaries) {
  std::vector<std::string> sentences;
  for (const json &summary : summaries) {
    std::string told = fmt::format("{}: {}", printable(text_of(summary, "strategy")),
                                   printable(text_of(summary, "why")));
    if (number_at(summary, "relative_rate", 1) < clearly_less)
      told += fmt::format(" It served {} a second, {} of the best here.",
                          shown(at(summary, "rate.ok")), shown(at(summary, "relative_rate")));
    sentences.push_back(std::move(told));
  }
  return sentences;
}

std::string comparison_table(const std::vector<json> &summaries, const Style &style) {
  const bool neighbour = std::any_of(summaries.begin(), summaries.end(), [](const json &summary) {
    return at(summary, "neighbour.tried").is_number();
  });
  std::vector<Column> columns_shown{
      {"strategy", 15, Side::left},       {"verdict", 9, Side::left}, {"ok/s", 6, Side::right},
      {"failed, mostly", 27, Side::left}, {"p50 ms", 6, Side::right}, {"p99 ms", 6, Side::right},
      {"in use", 7, Side::right},         {"open", 4, Side::right},   {"PG %", 4, Side::right}};
  if (neighbour)
    columns_shown.push_back({"refused", 7, Side::right});

  const auto row = [&](const std::vector<std::string> &cells, const char *verdict_colour) {
    std::string line;
    for (std::size_t i = 0; i < columns_shown.size(); ++i) {
      const Column &column = columns_shown[i];
      std::string cell = padded(fitted(cells[i], column.width), column.width, column.side);
      if (verdict_colour != nullptr && i == 1)
        cell = verdict_colour + cell + "\033[0m";
      line += (i == 0 ? "" : " ") + cell;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    return line + "\n";
  };

  std::vector<std::string> heads;
  for (const Column &column : columns_shown)
    heads.push_back(column.head);
  std::string table = row(heads, nullptr);
  for (const json &summary : summaries) {
    std::vector<std::string> cells{printable(text_of(summary, "strategy")),
                                   verdict_sign(summary),
                                   short_number(at(summary, "rate.ok")),
                                   printable(failures(summary)),
                                   short_number(at(summary, "latency_ms.p50")),
                                   short_number(at(summary, "latency_ms.p99")),
                                   of(summary, "pool.max_in_use", "pool.limit_max"),
                                   short_number(at(summary, "pool.max_open")),
                                   short_number(at(summary, "processor.postgres_percent"))};
    if (neighbour)
      cells.push_back(of(summary, "neighbour.refused", "neighbour.tried"));
    table += row(cells, style.colour ? colour_of(summary) : nullptr);
  }
  table += "in use: peak/limit; PG %: of one core, by PostgreSQL";
  table += neighbour ? "; refused: tries of the neighbour's\n\n" : "\n\n";
  for (const std::string &sentence : comparison_sentences(summaries))
    table += wrapped(sentence, style.width, 2);
  return table;
}

} // namespace lab::load
