// A step of the learner's path: what is predicted, which runs it takes, what must
// hold in them, what is asked. Steps are data, a file each (docs/path/steps), so
// that a teacher adds one without C++; the format is explained in
// docs/path/instructors.md. [any thread]
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace lab::path {

struct Option {
  std::string text;
  std::string because; // why it is right, or why not; may be empty
  bool right = false;
  std::string id = {}; // as the step's file says; none: its text stands for it

  // What a progress file keeps of it: a text may be edited later, an id stays.
  const std::string &kept() const { return id.empty() ? text : id; }
};

// Asked before the run (a prediction) or after it. A choice has options; a number
// has a formula over the learner's own runs.
struct Question {
  std::string id;
  std::string original; // the number of the original lab's question that it holds; or ""
  std::string ask;
  std::vector<Option> options;
  std::string number;
  double within = 0; // how far off an answer may be, as a share of the number
  std::string unit;
  std::string because; // told after a right answer

  bool is_choice() const { return !options.empty(); }
  const Option &right_option() const;

  // The option that a kept answer means, by id, or by text as older files have it; null when
  // there is no such one (any more).
  const Option *option(const std::string &kept) const;

  // A kept answer as people read it.
  std::string said(const std::string &kept) const;
};

// A run that the step needs. Any recorded run that fits will do, however it came about.
struct PlannedRun {
  std::string name;
  std::string what;                  // for people: "50 users on fixed_tiny"
  std::vector<std::string> commands; // of `lab`; none: another run's bring it along
  std::string edit;                  // what the learner does by hand before them
  int rate = 0;                      // open: requests a second; 0: not the step's business
  int hold_ms = 0;                   // 0: likewise
  int hosts = 1;                     // how many servers are loaded
  std::string strategy;
  std::string profile;
  std::string model;     // "": either
  std::string condition; // a formula over its summary; "": none
  bool company = false;  // counts though other programs were busy: only ratios are drawn from it
};

struct Expectation {
  std::string that;  // a formula: what must hold
  std::string value; // a formula: the number that decides, {} in what is said
  std::string pass;
  std::string fail;
  // Where it does not hold, a slow machine is why, not the learner: the step is then
  // unproven, and another expectation sees to what the learner may have got wrong.
  bool of_the_machine = false;
};

// Its texts (all but the title) may have {formulas}, which told.hpp fills in.
struct Step {
  int number = 0;    // from the file's name: 2-break-small.toml
  std::string name;  // "break-small"
  std::string title; // "Break it small"
  std::string now;   // what it is about, in a sentence
  int minutes = 0;
  bool in_short_route = false;
  bool own_database = false; // needs the lab's own PostgreSQL
  std::vector<std::string> hints;
  std::vector<Question> predictions;
  std::vector<PlannedRun> runs;
  std::vector<Expectation> expectations;
  std::vector<Question> questions;

  std::string stem() const;      // "2-break-small"
  bool uses_settings() const;    // something must hold in my/settings.toml
  Step without_settings() const; // for where that file can't be seen
  bool on_one_host() const;      // none of its runs loads several

  // The run whose commands bring one of its runs along: itself, or the nearest before it that
  // has commands.
  const PlannedRun &brings(const PlannedRun &run) const;
};

// All steps of a folder, by number. Throws cli::SetUpFailed, one line with file
// and line, for the first mistake: unknown keys, formulas that can't be read or
// name runs that aren't there, a profile that isn't there, a choice without a wrong
// option, two options that a kept answer could mean, not three hints.
std::vector<Step> read_steps(const std::filesystem::path &folder);

} // namespace lab::path
