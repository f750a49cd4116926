// The table of a class in its three forms.
#include "loadtest/lab/path/class_table.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace lab::path {
namespace {

using nlohmann::json;

constexpr std::size_t widest_name = 40;

bool ended(const Stored &stored) {
  return stored.standing == Standing::passed || stored.standing == Standing::unproven;
}

// One word for a cell. That it was guessed says more of a learner than that the machine was
// busy; JSON says both.
std::string word(const Stored &stored) {
  if (stored.standing == Standing::broken)
    return "doubtful";
  return ended(stored) && stored.guessed ? "guessed" : standing_name(stored.standing);
}

const char *sign(const Stored &stored) {
  if (stored.standing == Standing::broken)
    return "!";
  if (ended(stored) && stored.guessed)
    return "~";
  return stored.standing == Standing::passed     ? "✓"
         : stored.standing == Standing::unproven ? "?"
         : stored.standing == Standing::skipped  ? "»"
                                                 : "-";
}

// The steps that ended before `again`, and stand no more.
std::vector<std::string> earlier(const ClassTable &table, const ClassRow &row,
                                 std::string (*called)(const Step &)) {
  std::vector<std::string> steps;
  for (std::size_t i = 0; i < row.steps.size(); ++i)
    if (row.steps[i].earlier)
      steps.push_back(called(table.steps[i]));
  return steps;
}

std::string stem_of(const Step &step) {
  return step.stem();
}

std::int64_t minutes(const ClassRow &row) {
  return std::chrono::round<std::chrono::minutes>(row.taken).count();
}

bool continues(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

// Characters, as far as a terminal's columns are concerned.
std::size_t length(const std::string &text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return !continues(c); }));
}

std::string shortened(const std::string &text) {
  if (length(text) <= widest_name)
    return text;
  std::string start;
  std::size_t taken = 0;
  for (const char c : text) {
    if (!continues(c) && ++taken == widest_name)
      break;
    start += c;
  }
  return start + "…";
}

std::string padded(const std::string &text, std::size_t width) {
  return text + std::string(width - std::min(width, length(text)), ' ');
}

// Two learners of one name are told apart by their files.
std::vector<std::string> names_of(const std::vector<ClassRow> &rows) {
  std::vector<std::string> names;
  for (const ClassRow &row : rows) {
    const bool alone = std::count_if(rows.begin(), rows.end(), [&row](const ClassRow &other) {
                         return other.name() == row.name();
                       }) == 1;
    names.push_back(
        shortened(printable(alone ? row.name() : fmt::format("{} ({})", row.name(), row.file))));
  }
  return names;
}

std::string legend(const ClassTable &table) {
  std::string text = "\n";
  for (const Step &step : table.steps)
    text +=
        fmt::format("{}{} {}", &step == &table.steps.front() ? "" : ", ", step.number, step.name);
  return text + "\n✓ passed  ~ guessed  ? unproven  » skipped  ! doubtful  - not ended\n"
                "earlier: steps that had ended, were begun anew or skipped, and stand no more\n";
}

} // namespace

std::string as_text(const ClassTable &table) {
  const auto names = names_of(table.rows);
  std::size_t width = length("learner");
  for (const std::string &name : names)
    width = std::max(width, length(name));
  std::string text = padded("learner", width) + "  route ";
  for (const Step &step : table.steps)
    text += fmt::format(" {:>2}", step.number);
  text += "  hints  solutions  minutes  earlier\n";
  std::string doubts;
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const ClassRow &row = table.rows[i];
    text += fmt::format("{}  {:>5} ", padded(names[i], width), row.route_minutes);
    for (std::size_t step = 0; step < row.steps.size(); ++step) {
      text += fmt::format("  {}", sign(row.steps[step]));
      if (!row.steps[step].doubt.empty())
        doubts += fmt::format("! {}, step {}: {}\n", names[i], table.steps[step].number,
                              printable(row.steps[step].doubt));
      if (!row.steps[step].note.empty())
        doubts += fmt::format("· {}, step {}: {}\n", names[i], table.steps[step].number,
                              printable(row.steps[step].note));
    }
    const auto before =
        earlier(table, row, [](const Step &step) { return std::to_string(step.number); });
    text += fmt::format("  {:>5}  {:>9}  {:>7}  {}\n", row.hints, row.solutions, minutes(row),
                        before.empty() ? "-" : fmt::format("{}", fmt::join(before, " ")));
  }
  return text + legend(table) + (doubts.empty() ? "" : "\n" + doubts);
}

std::string csv_cell(const std::string &text) {
  // A spreadsheet takes a cell that begins so for a formula, and may run it.
  const bool formula =
      !text.empty() && std::string("=+-@\t\r\n").find(text[0]) != std::string::npos;
  std::string cell = formula ? "'" + text : text;
  if (cell.find_first_of(",\"\r\n") == std::string::npos)
    return cell;
  std::string quoted = "\"";
  for (const char c : cell)
    quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

std::string as_csv(const ClassTable &table) {
  std::string text = "learner,file,route";
  for (const Step &step : table.steps)
    text += "," + csv_cell(step.stem());
  text += ",hints,solutions,minutes,earlier\r\n";
  for (const ClassRow &row : table.rows) {
    text += fmt::format("{},{},{}", csv_cell(row.name()), csv_cell(row.file), row.route_minutes);
    for (const Stored &stored : row.steps)
      text += "," + csv_cell(word(stored));
    text += fmt::format(",{},{},{},{}\r\n", row.hints, row.solutions, minutes(row),
                        csv_cell(fmt::format("{}", fmt::join(earlier(table, row, stem_of), " "))));
  }
  return text;
}

json as_json(const ClassTable &table) {
  json all = {{"learners", json::array()}, {"left_out", json::array()}};
  for (const ClassRow &row : table.rows) {
    json steps = json::object();
    for (std::size_t i = 0; i < row.steps.size(); ++i) {
      const Stored &stored = row.steps[i];
      const bool doubtful = stored.standing == Standing::broken;
      steps[table.steps[i].name] = {
          {"standing", doubtful ? "doubtful" : standing_name(stored.standing)},
          {"guessed", stored.guessed},
          {"doubt", stored.doubt},
          {"note", stored.note},
          {"earlier", stored.earlier}};
    }
    all["learners"].push_back({{"learner", row.learner},
                               {"file", row.file},
                               {"route_minutes", row.route_minutes},
                               {"steps", steps},
                               {"hints", row.hints},
                               {"solutions", row.solutions},
                               {"minutes", minutes(row)}});
  }
  for (const LeftOut &one : table.left_out)
    all["left_out"].push_back({{"file", one.file}, {"why", one.why}});
  return all;
}

std::string printable(const std::string &text) {
  std::string safe;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const bool control = c < 0x20U || c == 0x7FU;
    // U+0080 to U+009F are control characters as well, in two bytes.
    const bool wide_control = c == 0xC2U && i + 1 < text.size() && continues(text[i + 1]) &&
                              static_cast<unsigned char>(text[i + 1]) < 0xA0U;
    safe += control || wide_control ? '?' : text[i];
    i += wide_control ? 1 : 0;
  }
  return safe;
}

} // namespace lab::path
