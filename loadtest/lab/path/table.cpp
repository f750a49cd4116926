#include "loadtest/lab/path/table.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "loadtest/figures.hpp"

namespace lab::path {
namespace {

using nlohmann::json;

struct Row {
  const char *name;
  const char *path;
};

// In the order of diagnosis: what users got, who waited, what was held, what the
// server says.
constexpr Row rows[] = {{"strategy", "strategy"},
                        {"servers", "hosts"},
                        {"served a second", "rate.ok"},
                        {"failed, %", "failed_percent"},
                        {"failed, most with", "failed_main.code"},
                        {"answer, median, ms", "latency_ms.p50"},
                        {"answer, p99, ms", "latency_ms.p99"},
                        {"waiting at most", "pool.waiting_max"},
                        {"wait, mean, ms", "pool.wait_ms.mean"},
                        {"hold, mean, ms", "pool.hold_ms.mean"},
                        {"longest hold, ms", "pool.hold_ms.max"},
                        {"in use, mean", "pool.in_use_mean"},
                        {"open at most", "pool.max_open"},
                        {"PostgreSQL, % of a core", "processor.postgres_percent"},
                        {"neighbour's tries", "neighbour.tried"},
                        {"of them refused", "neighbour.refused"},
                        {"allowed at the end", "pool.limit"}};

std::string cell(const json &value) {
  return value.is_number() ? load::shown(value) : value.is_string() ? value.get<std::string>() : "";
}

std::string settings(const json &summary) {
  std::string text;
  const json params = load::at(summary, "params");
  for (const char *name : {"max", "wait_ms"})
    if (params.is_object() && params.contains(name))
      text += fmt::format("{}{}={}", text.empty() ? "" : " ", name, load::shown(params.at(name)));
  return text;
}

} // namespace

Table table_of(const Step &step, const Evidence &evidence) {
  Table table;
  std::vector<const json *> summaries;
  for (const PlannedRun &planned : step.runs)
    if (const auto run = evidence.runs.find(planned.name); run != evidence.runs.end()) {
      table.columns.push_back(planned.name);
      summaries.push_back(&run->second.summary);
    }
  const auto add = [&table](const std::string &name, const std::vector<std::string> &cells) {
    if (std::all_of(cells.begin(), cells.end(), [](const auto &text) { return text.empty(); }))
      return;
    table.rows.push_back({name});
    for (const std::string &text : cells)
      table.rows.back().push_back(text.empty() ? "-" : text);
  };
  for (const Row &row : rows) {
    std::vector<std::string> cells;
    cells.reserve(summaries.size());
    for (const json *summary : summaries)
      cells.push_back(cell(load::at(*summary, row.path)));
    add(row.name, cells);
    if (std::string(row.name) == "strategy") {
      cells.clear();
      for (const json *summary : summaries)
        cells.push_back(settings(*summary));
      add("settings", cells);
    }
  }
  return table;
}

std::string as_text(const Table &table) {
  std::vector<std::size_t> widths(table.columns.size() + 1, 0);
  const auto measure = [&](std::size_t column, const std::string &text) {
    widths[column] = std::max(widths[column], text.size());
  };
  for (std::size_t i = 0; i < table.columns.size(); ++i)
    measure(i + 1, table.columns[i]);
  for (const auto &row : table.rows)
    for (std::size_t i = 0; i < row.size(); ++i)
      measure(i, row[i]);
  std::string text = fmt::format("  {:<{}}", "", widths[0]);
  for (std::size_t i = 0; i < table.columns.size(); ++i)
    text += fmt::format("  {:>{}}", table.columns[i], widths[i + 1]);
  text += "\n";
  for (const auto &row : table.rows) {
    text += fmt::format("  {:<{}}", row[0], widths[0]);
    for (std::size_t i = 1; i < row.size(); ++i)
      text += fmt::format("  {:>{}}", row[i], widths[i]);
    text += "\n";
  }
  return text;
}

} // namespace lab::path
