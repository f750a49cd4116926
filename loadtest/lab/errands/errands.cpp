#include "loadtest/lab/errands/errands.hpp"

#include <algorithm>
#include <csignal>
#include <utility>

#include <fmt/format.h>

#include "loadtest/lab/errands/text_in.hpp"
#include "loadtest/lab/exit_status.hpp"
#include "loadtest/lab/faults/fault_kind.hpp"
#include "loadtest/lab/files.hpp"
#include "loadtest/lab/load_lock.hpp"
#include "loadtest/lab/named_profiles.hpp"
#include "loadtest/profile.hpp"

namespace lab::cli {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr int longest_load = 600; // seconds

// A whole number, if it is there.
std::optional<int> whole(const json &order, const char *name, int low, int high) {
  const auto found = order.find(name);
  if (found == order.end() || found->is_null())
    return std::nullopt;
  if (!found->is_number_integer() || *found < low || *found > high)
    throw SetUpFailed(fmt::format("\"{}\" must be a whole number, {} to {}", name, low, high));
  return found->get<int>();
}

// What people would look at: the last line that says something.
std::string last_line(const std::string &text) {
  const std::size_t end = text.find_last_not_of("\n ");
  if (end == std::string::npos)
    return "";
  const std::size_t begin = text.rfind('\n', end);
  return text.substr(begin == std::string::npos ? 0 : begin + 1,
                     end - (begin == std::string::npos ? 0 : begin + 1) + 1);
}

} // namespace

Errands::~Errands() {
  stop(load_);
  stop(fault_);
}

json Errands::carry_out(const json &order) {
  const std::string what = order.value("do", "");
  if (what == "step")
    path_.order(order);
  if (what == "step" || what == "progress")
    return path_.report();
  if (what == "load")
    load(order);
  else if (what == "end_load")
    stop(load_);
  else if (what == "fault")
    fault(order);
  else if (what == "clear_faults")
    stop(fault_);
  else if (what != "errands")
    throw SetUpFailed("there are errands, load, end_load, fault, clear_faults, progress and step");
  return report();
}

void Errands::load(const json &order) {
  const std::vector<std::string> words =
      order.contains("command") ? path_.words_of(text_in(order, "command")) : load_words(order);
  if (words.front() == "use")
    throw SetUpFailed("lab use is no load");
  if (runs(load_))
    throw SetUpFailed(fmt::format("{} runs, or ends: one load at a time", load_->what));
  if (const auto owner = LoadLock::owner(places_.load_lock()))
    throw SetUpFailed(fmt::format("{} runs since {} (process {}): one load at a time",
                                  owner->command, owner->since, owner->process.pid));
  load_.emplace(begin(words, "load"));
}

std::vector<std::string> Errands::load_words(const json &order) const {
  const std::string profile = text_in(order, "profile");
  // Only what has a name: what comes from a page is no path.
  const auto has = [&](const std::vector<std::string> &names) {
    return std::find(names.begin(), names.end(), profile) != names.end();
  };
  if (!has(load::profile_names()) && !has(own_profile_names(places_)))
    throw SetUpFailed(fmt::format("no profile is named '{}'", profile));
  (void)profile_called(places_, profile); // says what is wrong in one's own
  std::vector<std::string> words = {"load", profile};
  if (const auto seconds = whole(order, "seconds", 1, longest_load))
    words.insert(words.end(), {"--seconds", std::to_string(*seconds)});
  if (const auto rate = whole(order, "rate", 1, load::max_rate))
    words.insert(words.end(), {"--rate", std::to_string(*rate)});
  return words;
}

void Errands::fault(const json &order) {
  if (runs(fault_))
    throw SetUpFailed(fmt::format("{} is in force: end it first", fault_->what));
  const std::string name = text_in(order, "fault");
  const auto &kinds = fault_kinds();
  const auto kind = std::find_if(kinds.begin(), kinds.end(),
                                 [&](const FaultKind &one) { return one.name == name; });
  if (kind == kinds.end())
    throw SetUpFailed(fmt::format("no fault is named '{}'", name));
  std::vector<std::string> words = {"fault", name};
  if (kind->amount) {
    const auto amount = whole(order, "amount", kind->amount->low, kind->amount->high);
    if (kind->amount->option.starts_with("-"))
      words.push_back(kind->amount->option);
    words.push_back(std::to_string(amount.value_or(kind->amount->otherwise)));
  }
  const auto most = static_cast<int>(longest_lab_fault.count());
  if (const auto seconds = whole(order, "seconds", 1, most))
    words.insert(words.end(), {"--seconds", std::to_string(*seconds)});
  fault_.emplace(begin(words, "fault"));
}

std::filesystem::path Errands::log(const std::string &name) const {
  return places_.home() / ("page-" + name + ".log");
}

Errands::Errand Errands::begin(const std::vector<std::string> &words,
                               const std::string &name) const {
  std::error_code absent;
  std::filesystem::remove(log(name), absent);
  db::Launch launch{.argv = {places_.program("lab")},
                    .environment = places_.environment(),
                    .directory = "/",
                    .own_session = true,
                    .out = db::Output::appended_to(log(name)),
                    .err = db::Output::appended_to(log(name))};
  launch.argv.insert(launch.argv.end(), words.begin(), words.end());
  std::string what = words[0];
  for (std::size_t i = 1; i < words.size(); ++i)
    what += " " + words[i];
  return {what, std::chrono::system_clock::now(), db::Child(launch)};
}

void Errands::look_at(std::optional<Errand> &errand) {
  if (errand && !errand->ended)
    errand->ended = errand->child.wait_for(0ms);
}

bool Errands::runs(std::optional<Errand> &errand) {
  look_at(errand);
  return errand && !errand->ended;
}

void Errands::stop(std::optional<Errand> &errand) {
  if (!runs(errand))
    return;
  errand->child.send(SIGINT); // it waits for its last answers, and tells: nobody waits here
}

json Errands::json_of(std::optional<Errand> &errand, const std::string &name) const {
  look_at(errand);
  if (!errand)
    return nullptr;
  using std::chrono::duration_cast;
  return {{"what", errand->what},
          {"runs", !errand->ended},
          {"began_ms",
           duration_cast<std::chrono::milliseconds>(errand->began.time_since_epoch()).count()},
          {"status", errand->ended ? json(errand->ended->status) : json()},
          {"said", last_line(text_of_file(log(name)).value_or(""))}};
}

json Errands::report() {
  json profiles = json::array(), faults = json::array();
  for (const std::string &name : load::profile_names())
    profiles.push_back({{"name", name}, {"what", load::profile_named(name).what}});
  for (const std::string &name : own_profile_names(places_))
    profiles.push_back({{"name", name}, {"what", "yours"}});
  for (const FaultKind &kind : fault_kinds())
    faults.push_back({{"name", kind.name},
                      {"help", kind.help},
                      {"amount", kind.amount ? json{{"low", kind.amount->low},
                                                    {"high", kind.amount->high},
                                                    {"default", kind.amount->otherwise},
                                                    {"help", kind.amount->help}}
                                             : json()}});
  const auto owner = LoadLock::owner(places_.load_lock());
  return {{"load", json_of(load_, "load")},
          {"fault", json_of(fault_, "fault")},
          {"elsewhere", owner && !runs(load_) ? json(owner->command) : json()},
          {"profiles", profiles},
          {"faults", faults}};
}

} // namespace lab::cli
