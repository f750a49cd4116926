// What the agent runs because somebody asked for it on the page: `lab load` and `lab fault`, as
// one would type them, so that they are checked, locked and recorded the same way. One load and one
// fault at a time. [one thread at a time]
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "db/child.hpp"
#include "loadtest/lab/errands/path_errand.hpp"
#include "loadtest/lab/places.hpp"

namespace lab::cli {

class Errands {
public:
  explicit Errands(Places places) : places_(std::move(places)), path_(places_) {}
  ~Errands(); // tells what runs to end, as Ctrl-C does

  // {"do": "errands"}                                              what runs, and what may
  // {"do": "load", "profile": "hold", "seconds": 20, "rate": 60}   seconds and rate may be left out
  // {"do": "load", "command": "scripts/lab load hold --fault freeze"} one that the path's step
  // suggests
  // {"do": "end_load"}
  // {"do": "fault", "fault": "freeze", "amount": 5, "seconds": 5}  amount and seconds may be
  // {"do": "clear_faults"}
  // {"do": "progress"}, {"do": "step", ...}                        as PathErrand tells
  //
  // All others answer as `errands` does. Throws SetUpFailed, one line, where it can't be so.
  nlohmann::json carry_out(const nlohmann::json &order);

private:
  // A program of the lab, and what it said.
  struct Errand {
    std::string what; // "load hold"
    std::chrono::system_clock::time_point began;
    db::Child child;
    std::optional<db::Ended> ended = {};
  };
  static bool runs(std::optional<Errand> &errand);
  static void look_at(std::optional<Errand> &errand);
  static void stop(std::optional<Errand> &errand);
  nlohmann::json json_of(std::optional<Errand> &errand, const std::string &log) const;

  void load(const nlohmann::json &order);
  std::vector<std::string> load_words(const nlohmann::json &order) const;
  void fault(const nlohmann::json &order);
  Errand begin(const std::vector<std::string> &words, const std::string &log) const;
  nlohmann::json report();
  std::filesystem::path log(const std::string &name) const;

  const Places places_;
  std::optional<Errand> load_, fault_;
  PathErrand path_;
};

} // namespace lab::cli
