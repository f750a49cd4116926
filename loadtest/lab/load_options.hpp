// The options that change a load, the same for `load` and `compare`.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "loadtest/lab/state.hpp"
#include "loadtest/profile.hpp"

namespace CLI {
class App;
}

namespace lab::cli {

struct LoadOptions {
  std::optional<std::string> model;
  std::optional<int> users;
  std::optional<int> rate;
  std::optional<int> hold; // milliseconds
  std::optional<double> seconds;
  std::optional<double> warm_up;
  std::uint64_t seed = 1;

  void add_to(CLI::App &command);

  // The profile with them applied. Throws SetUpFailed when it can't be so.
  load::Profile apply(load::Profile profile) const;
};

// Where a report goes besides people: nowhere, to a file, or to standard output.
class JsonOption {
public:
  void add_to(CLI::App &command);
  bool to_output() const { return file_ && *file_ == "-"; }
  void write(const std::string &text) const; // throws SetUpFailed

private:
  std::optional<std::string> file_;
};

// An argument after --json may be the FILE, or already the next word: a word that
// is a profile's or a strategy's name is the latter. Makes it plain by writing
// "--json=...". Call it before the command line is read.
std::vector<std::string> with_plain_json(std::vector<std::string> arguments,
                                         const std::vector<std::string> &names);

// "max=30" -> {"max", 30}. Throws SetUpFailed.
std::pair<std::string, double> parse_setting(const std::string &text);

// "fixed_tiny.max=30", several times -> by strategy. Throws SetUpFailed.
std::map<std::string, std::map<std::string, double>>
parse_settings_by_strategy(const std::vector<std::string> &texts);

} // namespace lab::cli
