#include "loadtest/run_folder.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <tuple>

#include <unistd.h>

#include <fmt/format.h>

namespace lab::load {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::string_view csv_head = "due_ns,taken_ns,sent_ns,done_ns,route,variant,wait_ns,"
                                      "hold_ns,outcome\n";
constexpr int csv_fields = 9;
constexpr std::string_view cut_off_word = "cut_off"; // in place of a code

[[noreturn]] void fail(const std::string &what, const fs::path &path, const std::string &why) {
  throw std::runtime_error(fmt::format("can't {} {}: {}", what, path.string(), why));
}

void write_file(const fs::path &path, const std::string &content) {
  errno = 0;
  std::ofstream file(path, std::ios::binary);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
  file.flush();
  if (!file)
    fail("write", path,
         fmt::format("{}{}", std::strerror(errno),
                     errno == ENOSPC ? "; free some space on that disk and run it again" : ""));
}

std::string read_file(const fs::path &path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  if (file)
    content << file.rdbuf();
  if (!file)
    fail("read", path, "no such file, or not ours to read");
  return content.str();
}

json read_json(const fs::path &path) {
  json content = json::parse(read_file(path), nullptr, false);
  if (content.is_discarded())
    fail("read", path, "it is no JSON");
  return content;
}

// Names come from files and a host: only what suits a folder's name is kept.
std::string folder_word(const json &name) {
  std::string word = name.is_string() ? name.get<std::string>() : "";
  for (char &c : word)
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'))
      c = '_';
  return word.empty() ? "unknown" : word.substr(0, 60);
}

// "2026-01-31T23:59:59Z" -> "20260131T235959Z", so that names sort by time.
std::string folder_time(const json &started) {
  std::string time = started.is_string() ? started.get<std::string>() : "";
  time.erase(std::remove_if(time.begin(), time.end(), [](char c) { return c == '-' || c == ':'; }),
             time.end());
  return folder_word(time);
}

std::string csv_of(const Recorded &recorded) {
  fmt::memory_buffer lines;
  lines.append(csv_head);
  for (const RequestLine &line : recorded.requests)
    fmt::format_to(std::back_inserter(lines), "{},{},{},{},{},{},{},{},{}\n", line.due, line.taken,
                   line.sent, line.done, route_name(line.choice.route), line.choice.variant,
                   line.wait, line.hold,
                   line.cut_off ? cut_off_word : std::string_view(recorded.codes.at(line.outcome)));
  return fmt::to_string(lines);
}

json histograms_json(const RunResult &result) {
  json all = json::object();
  for (const auto &[name, histogram] : result.histograms)
    all[name] = histogram.to_json();
  return all;
}

std::uintmax_t size_of(const fs::path &folder) {
  std::uintmax_t bytes = 0;
  std::error_code error;
  for (const fs::directory_entry &entry : fs::directory_iterator(folder, error)) {
    std::error_code ignored;
    const std::uintmax_t size = entry.file_size(ignored);
    bytes += ignored ? 0 : size;
  }
  return bytes;
}

// A run's folder by its name: hidden ones are still being written.
bool is_run(const fs::directory_entry &entry) {
  std::error_code error;
  return entry.is_directory(error) && entry.path().filename().string().front() != '.' &&
         fs::exists(entry.path() / "summary.json", error);
}

// Newest first: by the time in the name, then by when it was written.
std::vector<fs::path> runs_in(const fs::path &runs_dir) {
  struct Aged {
    std::string time;
    fs::file_time_type written;
    fs::path path;
  };
  std::vector<Aged> found;
  std::error_code error;
  for (const fs::directory_entry &entry : fs::directory_iterator(runs_dir, error)) {
    if (!is_run(entry))
      continue;
    const std::string name = entry.path().filename().string();
    std::error_code ignored;
    found.push_back({name.substr(0, name.find('-')),
                     fs::last_write_time(entry.path() / "summary.json", ignored), entry.path()});
  }
  std::sort(found.begin(), found.end(), [](const Aged &a, const Aged &b) {
    return std::tie(a.time, a.written, a.path) > std::tie(b.time, b.written, b.path);
  });
  std::vector<fs::path> paths;
  for (Aged &run : found)
    paths.push_back(std::move(run.path));
  return paths;
}

template <class Number> Number number_in(std::string_view field, const fs::path &path) {
  Number number{};
  const auto read = std::from_chars(field.data(), field.data() + field.size(), number);
  if (read.ec != std::errc() || read.ptr != field.data() + field.size())
    fail("read", path, fmt::format("'{}' is no number", field));
  return number;
}

Route route_named(std::string_view name, const fs::path &path) {
  if (const auto route = route_called(name))
    return *route;
  fail("read", path, fmt::format("no route is named '{}'", name));
}

void read_requests(const fs::path &path, StoredRun &run) {
  const std::string content = read_file(path);
  std::string_view rest = content;
  if (rest.substr(0, csv_head.size()) != csv_head)
    fail("read", path, "its first line is another one");
  rest.remove_prefix(csv_head.size());
  run.codes = {"ok"};
  while (!rest.empty()) {
    std::string_view text = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), text.size() + 1));
    std::array<std::string_view, csv_fields> fields;
    for (std::string_view &field : fields) {
      field = text.substr(0, text.find(','));
      text.remove_prefix(std::min(text.size(), field.size() + 1));
    }
    RequestLine line;
    line.due = number_in<std::int64_t>(fields[0], path);
    line.taken = number_in<std::int64_t>(fields[1], path);
    line.sent = number_in<std::int64_t>(fields[2], path);
    line.done = number_in<std::int64_t>(fields[3], path);
    line.choice.route = route_named(fields[4], path);
    line.choice.variant = number_in<std::uint8_t>(fields[5], path);
    line.wait = number_in<std::int64_t>(fields[6], path);
    line.hold = number_in<std::int64_t>(fields[7], path);
    line.cut_off = fields[8] == cut_off_word;
    if (!line.cut_off) {
      auto code = std::find(run.codes.begin(), run.codes.end(), fields[8]);
      if (code == run.codes.end())
        code = run.codes.insert(run.codes.end(), std::string(fields[8]));
      line.outcome = static_cast<std::uint8_t>(code - run.codes.begin());
    }
    run.requests.push_back(line);
  }
}

} // namespace

fs::path write_run(const fs::path &runs_dir, const RunResult &result, std::uintmax_t keep_bytes) {
  std::error_code error;
  fs::create_directories(runs_dir, error);
  if (error)
    fail("make", runs_dir, error.message());
  const fs::path draft = runs_dir / fmt::format(".draft-{}", getpid());
  fs::remove_all(draft, error);
  fs::create_directory(draft, error);
  if (error)
    fail("make", draft, error.message());
  try {
    write_file(draft / "run.json", result.run.dump(2) + "\n");
    write_file(draft / "summary.json", result.summary.dump(2) + "\n");
    write_file(draft / "histograms.json", histograms_json(result).dump() + "\n");
    std::string timeline;
    for (const json &event : result.timeline)
      timeline += event.dump() + "\n";
    write_file(draft / "timeline.jsonl", timeline);
    write_file(draft / "requests.csv", csv_of(result.recorded));
  } catch (...) {
    fs::remove_all(draft, error);
    throw;
  }

  const json started = result.run.contains("started") ? result.run.at("started") : json();
  const std::string name = fmt::format("{}-{}-{}", folder_time(started),
                                       folder_word(result.summary.value("profile", json())),
                                       folder_word(result.summary.value("strategy", json())));
  for (int n = 1; n < 10'000; ++n) {
    const fs::path folder = runs_dir / fmt::format("{}-{}", name, n);
    if (fs::exists(folder, error))
      continue;
    fs::rename(draft, folder, error);
    if (error)
      fail("make", folder, error.message());
    prune_runs(runs_dir, keep_bytes);
    return folder;
  }
  fs::remove_all(draft, error);
  fail("make", runs_dir / name, "there are too many of that name");
}

json read_about(const fs::path &folder) {
  return read_json(folder / "run.json");
}

Histogram read_histogram(const fs::path &folder, const std::string &name) {
  try {
    return Histogram::from_json(read_json(folder / "histograms.json").at(name));
  } catch (const json::exception &e) {
    fail("read", folder / "histograms.json", e.what());
  }
}

std::vector<json> read_timeline(const fs::path &folder) {
  std::vector<json> events;
  std::istringstream timeline(read_file(folder / "timeline.jsonl"));
  for (std::string line; std::getline(timeline, line);) {
    json event = json::parse(line, nullptr, false);
    if (event.is_discarded())
      fail("read", folder / "timeline.jsonl", "a line is no JSON");
    events.push_back(std::move(event));
  }
  return events;
}

StoredRun read_run(const fs::path &folder) {
  StoredRun run;
  run.run = read_about(folder);
  run.summary = read_json(folder / "summary.json");
  run.histograms = read_json(folder / "histograms.json");
  run.timeline = read_timeline(folder);
  read_requests(folder / "requests.csv", run);
  return run;
}

std::vector<ListedRun> list_runs(const fs::path &runs_dir) {
  std::vector<ListedRun> runs;
  for (const fs::path &folder : runs_in(runs_dir)) {
    try {
      runs.push_back({folder, read_json(folder / "summary.json")});
    } catch (const std::runtime_error &) {
      continue; // damaged, or gone meanwhile: the others are still worth listing
    }
  }
  return runs;
}

void prune_runs(const fs::path &runs_dir, std::uintmax_t keep_bytes) {
  std::uintmax_t total = 0;
  bool newest = true;
  for (const fs::path &folder : runs_in(runs_dir)) {
    total += size_of(folder);
    std::error_code error;
    if (total > keep_bytes && !newest)
      fs::remove_all(folder, error);
    newest = false;
  }
}

} // namespace lab::load
