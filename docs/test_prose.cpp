#include "docs/test_prose.hpp"

#include <algorithm>
#include <fstream>
#include <optional>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace lab::docs {
namespace {

struct Line {
  int number = 0;
  std::string text;
};

// All lines, fenced blocks apart.
struct Split {
  std::vector<Line> prose; // an empty line in the place of each block
  std::vector<Fence> fences;
};

Split split(const std::filesystem::path &page) {
  std::istringstream in(text_of(page));
  Split parts;
  std::optional<Fence> open;
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.rfind("```", 0) != 0) {
      if (open)
        open->text += line + "\n";
      else
        parts.prose.push_back({number, line});
    } else if (open) {
      parts.fences.push_back(*std::exchange(open, std::nullopt));
    } else {
      open = Fence{number, line.substr(3), ""};
      parts.prose.push_back({number, ""});
    }
  }
  if (open)
    throw std::runtime_error(page.string() + ": a block has no end");
  return parts;
}

// Gathers the characters of one piece, and takes Markdown's marks away.
class Writer {
public:
  explicit Writer(Piece::Kind kind) { piece_.kind = kind; }

  void add(const std::string &raw, int line) {
    if (!raw_.empty())
      put_raw(" ", line);
    put_raw(raw, line);
  }

  Piece finish() {
    for (at_ = 0; at_ < raw_.size();)
      step();
    return std::move(piece_);
  }

private:
  void put_raw(const std::string &text, int line) {
    raw_ += text;
    raw_lines_.insert(raw_lines_.end(), text.size(), line);
  }
  bool follows(const char *what) const {
    return raw_.compare(at_, std::string(what).size(), what) == 0;
  }
  void put(char c) {
    piece_.text += c;
    piece_.lines.push_back(raw_lines_[at_]);
    piece_.bold.push_back(bold_);
    piece_.linked.push_back(linked_);
  }
  void step() {
    if (raw_[at_] == '`') {
      put('`');
      const auto end = raw_.find('`', at_ + 1);
      at_ = end == std::string::npos ? raw_.size() : end + 1;
    } else if (follows("**")) {
      bold_ = !bold_;
      at_ += 2;
    } else if (raw_[at_] == '*') {
      ++at_;
    } else if (follows("![") || (raw_[at_] == '[' && raw_.find("](", at_) != std::string::npos)) {
      at_ += follows("![") ? 2 : 1;
      linked_ = true;
    } else if (linked_ && follows("](")) {
      at_ = raw_.find(')', at_) + 1;
      linked_ = false;
    } else {
      put(raw_[at_]);
      ++at_;
    }
  }

  Piece piece_;
  std::string raw_;
  std::vector<int> raw_lines_;
  std::size_t at_ = 0;
  bool bold_ = false;
  bool linked_ = false;
};

std::vector<std::string> cells_of(const std::string &row) {
  std::vector<std::string> cells;
  bool code = false;
  for (const char c : row.substr(1)) {
    if (cells.empty())
      cells.emplace_back();
    code = code != (c == '`');
    if (c == '|' && !code)
      cells.emplace_back();
    else
      cells.back() += c;
  }
  if (!cells.empty())
    cells.pop_back(); // behind the last bar
  for (std::string &cell : cells) {
    const auto first = cell.find_first_not_of(' ');
    cell = first == std::string::npos ? ""
                                      : cell.substr(first, cell.find_last_not_of(' ') - first + 1);
  }
  return cells;
}

Piece piece_of(Piece::Kind kind, const std::string &raw, int line) {
  Writer writer(kind);
  writer.add(raw, line);
  return writer.finish();
}

} // namespace

std::string text_of(const std::filesystem::path &file) {
  std::ifstream in(file);
  if (!in)
    throw std::runtime_error(file.string() + " can't be read");
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<Fence> fences_of(const std::filesystem::path &page) {
  return split(page).fences;
}

std::vector<Piece> prose_of(const std::filesystem::path &page) {
  static const std::regex item(R"((\s*)([-*]|[0-9]+\.) +(.*))");
  std::vector<Piece> pieces;
  std::optional<Writer> open;
  std::vector<std::string> columns; // of the table that is open
  const auto close = [&] {
    if (open)
      pieces.push_back(open->finish());
    open.reset();
  };
  for (const Line &line : split(page).prose) {
    std::smatch parts;
    if (line.text.empty() || line.text[0] != '|')
      columns.clear();
    if (line.text.empty()) {
      close();
    } else if (line.text[0] == '#') {
      close();
      const auto begin = line.text.find_first_not_of("# ");
      pieces.push_back(piece_of(Piece::Kind::heading, line.text.substr(begin), line.number));
    } else if (line.text[0] == '|') {
      close();
      const auto cells = cells_of(line.text);
      if (columns.empty()) {
        columns = cells;
      } else if (line.text.rfind("| ---", 0) != 0) {
        for (std::size_t i = 0; i < cells.size(); ++i) {
          pieces.push_back(piece_of(Piece::Kind::cell, cells[i], line.number));
          pieces.back().column = i < columns.size() ? columns[i] : "";
        }
      }
    } else if (std::regex_match(line.text, parts, item)) {
      close();
      open.emplace(Piece::Kind::item);
      open->add(parts[3], line.number);
    } else {
      if (!open)
        open.emplace(Piece::Kind::paragraph);
      const auto begin = line.text.find_first_not_of(' ');
      open->add(line.text.substr(begin), line.number);
    }
  }
  close();
  return pieces;
}

std::vector<Piece> words_of(const std::filesystem::path &svg) {
  static const std::regex words(R"(<(title|desc|text)[^>]*>([^<]*)<)");
  const std::string all = text_of(svg);
  std::vector<Piece> pieces;
  for (std::sregex_iterator one(all.begin(), all.end(), words), end; one != end; ++one) {
    const auto line = 1 + std::count(all.begin(), all.begin() + one->position(2), '\n');
    pieces.push_back(piece_of(Piece::Kind::picture, (*one)[2], static_cast<int>(line)));
  }
  return pieces;
}

} // namespace lab::docs
