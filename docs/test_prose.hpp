// What a reader reads of a page in Markdown: its paragraphs, list items, table
// cells and headings, without fenced blocks and inline code. Each character knows
// its line, so that a test can say where.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace lab::docs {

struct Piece {
  enum class Kind { paragraph, item, cell, heading, picture };
  Kind kind = Kind::paragraph;
  std::string column;       // of a cell: what stands at the head of its column
  std::string text;         // one line, without * and [](); inline code is one '`'
  std::vector<int> lines;   // of each character of `text`
  std::vector<bool> bold;   // likewise
  std::vector<bool> linked; // likewise: in the text of a link or a picture
};

// Throws std::runtime_error when the file can't be read.
std::vector<Piece> prose_of(const std::filesystem::path &page);

// What a picture says: its title, its description and its labels.
std::vector<Piece> words_of(const std::filesystem::path &svg);

std::string text_of(const std::filesystem::path &file);

struct Fence {
  int line = 0;
  std::string mark; // what stands behind ```
  std::string text;
};
std::vector<Fence> fences_of(const std::filesystem::path &page);

} // namespace lab::docs
