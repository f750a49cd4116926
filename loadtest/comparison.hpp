// Several strategies under one load, side by side, for a terminal. [any thread]
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace lab::load {

struct Style {
  bool colour = false; // never the only sign: a word and a shape stand beside it
  int width = 100;     // columns, at least 80
};

// For a file descriptor: colour on a terminal, unless NO_COLOR is set.
Style style_for(int descriptor);

// Summaries of one profile. Stores in each valid one `relative_rate`, its
// successes a second by the best's, so that sentences can quote it. Call it
// before the summaries are printed or written.
void relate(std::vector<nlohmann::json> &summaries);

// A table (one row a strategy), then a sentence each: what happened and, where
// `relate` found a gap, how far behind the best. Ends with a newline.
std::string comparison_table(const std::vector<nlohmann::json> &summaries, const Style &style);

// The sentences alone, one a summary, each beginning with the strategy's name.
std::vector<std::string> comparison_sentences(const std::vector<nlohmann::json> &summaries);

// "✓ green", "! yellow", "✗ red", "? invalid": never colour alone.
std::string verdict_sign(const nlohmann::json &summary);

} // namespace lab::load
