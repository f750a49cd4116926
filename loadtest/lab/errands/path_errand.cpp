#include "loadtest/lab/errands/path_errand.hpp"

#include <iterator>
#include <sstream>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "db/one_line.hpp"
#include "loadtest/lab/errands/text_in.hpp"
#include "loadtest/lab/exit_status.hpp"
#include "loadtest/lab/files.hpp"

namespace lab::cli {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

// The page may ask as often as it likes; a look reads all recorded runs.
constexpr auto fresh_for = 1s;

std::vector<std::string> answers_of(const json &asked) {
  std::vector<std::string> words;
  const auto answers = asked.find("answers");
  if (answers == asked.end() || answers->is_null())
    return words;
  if (!answers->is_object())
    throw SetUpFailed("\"answers\" must be an object: a text for each question");
  for (const auto &[id, answer] : answers->items()) {
    if (!answer.is_string())
      throw SetUpFailed(fmt::format("the answer to \"{}\" must be a text", id));
    words.insert(words.end(), {"--answer", fmt::format("{}={}", id, answer.get<std::string>())});
  }
  return words;
}

} // namespace

json PathErrand::report() {
  look();
  std::error_code absent;
  const bool begun = std::filesystem::exists(places_.progress(), absent);
  if (begun && !child_ && std::chrono::steady_clock::now() - looked_ > fresh_for)
    begin({"next", "--json"});
  return {{"begun", begun},
          {"busy", child_ ? json(runs_) : json()},
          {"next", next_},
          {"checked", checked_},
          {"said", said_}};
}

void PathErrand::order(const json &asked) {
  look();
  if (child_ && runs_ != "next")
    throw SetUpFailed(fmt::format("{} runs: one at a time", runs_));
  const std::string what = asked.value("what", "");
  std::vector<std::string> words = {what};
  if (what == "predict" || what == "check") {
    const auto answers = answers_of(asked);
    words.insert(words.end(), answers.begin(), answers.end());
  } else if (what == "use") {
    words = words_of(text_in(asked, "command"));
    if (words.front() != "use")
      throw SetUpFailed(fmt::format("lab {} is no swap", words.front()));
  } else if (what != "next" && what != "hint") {
    throw SetUpFailed("\"what\" must be next, predict, use, hint or check");
  }
  if (what == "next" || what == "check") // the others say nothing that `next` does not know
    words.emplace_back("--json");
  said_.clear();
  if (what != "hint" && what != "use") // the learner may be at the questions
    checked_ = json();
  to_do_.push_back(words);
  if (what != "next")
    to_do_.push_back({"next", "--json"});
  look();
}

std::vector<std::string> PathErrand::words_of(const std::string &command) const {
  if (next_.is_object() && next_.at("step").is_object())
    for (const json &run : next_.at("step").at("runs"))
      for (const json &suggested : run.at("commands"))
        if (suggested == command) {
          std::istringstream in(command.substr(command.find(' ') + 1)); // behind "scripts/lab"
          std::vector<std::string> words{std::istream_iterator<std::string>(in), {}};
          // `up` may end the agent.
          if (words.front() == "use" || words.front() == "load" || words.front() == "compare")
            return words;
        }
  throw SetUpFailed(fmt::format("the step suggests no '{}' that the page could do: type it in a "
                                "terminal",
                                command));
}

// Takes what a program has said that has ended, and starts the next.
void PathErrand::look() {
  if (child_) {
    const auto ended = child_->wait_for(0ms);
    if (!ended)
      return;
    child_.reset();
    const json said = json::parse(text_of_file(output()).value_or(""), nullptr, false);
    if (said.is_object())
      (runs_ == "next" ? next_ : checked_) = said;
    else if (!ended->well())
      said_ = db::one_line(text_of_file(log()).value_or(""));
    if (runs_ == "next")
      looked_ = std::chrono::steady_clock::now();
  }
  if (to_do_.empty())
    return;
  std::vector<std::string> words = std::move(to_do_.front());
  to_do_.pop_front();
  begin(std::move(words));
}

void PathErrand::begin(std::vector<std::string> words) {
  std::error_code absent;
  std::filesystem::remove(output(), absent);
  std::filesystem::remove(log(), absent);
  runs_ = words.front();
  db::Launch launch{.argv = std::move(words),
                    .environment = places_.environment(),
                    .directory = "/",
                    .own_session = true,
                    .out = db::Output::appended_to(output()),
                    .err = db::Output::appended_to(log())};
  launch.argv.insert(launch.argv.begin(), places_.program("lab"));
  child_.emplace(launch);
}

} // namespace lab::cli
