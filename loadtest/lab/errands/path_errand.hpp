// The learner's path, for the page: runs `lab next`, `lab predict`, `lab hint` and `lab check` as
// one would type them, one after the other, so that all that they promise holds here too. [one
// thread at a time]
#pragma once

#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "db/child.hpp"
#include "loadtest/lab/places.hpp"

namespace lab::cli {

class PathErrand {
public:
  explicit PathErrand(Places places) : places_(std::move(places)) {}

  // What is known; begins to look anew. `busy`: asked again soon, it knows more. Nothing is begun
  // for a learner who has not begun the path: `begun` is false.
  // {"begun", "busy", "next": as `lab next --json`, "checked": as `lab check --json`, "said"}
  nlohmann::json report();

  // {"what": "next"}                                 begins the path
  // {"what": "predict", "answers": {"ID": "TEXT"}}
  // {"what": "hint"}
  // {"what": "use", "command": "scripts/lab use fixed_tiny"}   one that the step suggests
  // {"what": "check", "answers": {"ID": "TEXT"}}     answers may be left out
  // Throws SetUpFailed, one line, for anything else, and while one of them runs.
  void order(const nlohmann::json &asked);

  // The words behind `lab` of a command that the step suggests for its runs, as it stands there.
  // Throws SetUpFailed where it suggests no such one, or not one that the page may do.
  std::vector<std::string> words_of(const std::string &command) const;

private:
  void look();
  void begin(std::vector<std::string> words);
  std::filesystem::path output() const { return places_.home() / "page-path.json"; }
  std::filesystem::path log() const { return places_.home() / "page-path.log"; }

  const Places places_;
  std::deque<std::vector<std::string>> to_do_;
  std::optional<db::Child> child_;
  std::string runs_; // "check", while child_ does
  std::chrono::steady_clock::time_point looked_{};
  nlohmann::json next_, checked_;
  std::string said_; // why a command did nothing; "" when it did
};

} // namespace lab::cli
