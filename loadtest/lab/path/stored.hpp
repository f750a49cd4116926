// What can be said of a step from a progress file alone: the lab that wrote it, its recorded
// runs and my/settings.toml are elsewhere, or are not up. [any thread]
#pragma once

#include <string>
#include <vector>

#include "loadtest/lab/path/course.hpp"

namespace lab::path {

// The ids of the questions whose right answer was guessed.
std::vector<std::string> guessed_questions(const Step &step, const StepProgress &done,
                                           const Facts &facts);

struct Stored {
  Standing standing = Standing::ahead; // broken: ended, but what is stored does not prove it
  bool guessed = false;                // of the questions at least one
  std::string doubt = {};              // why it is broken; or ""
  std::string note = {};               // what there is to know though it stands; or ""
  bool earlier = false;                // it ended before `again` or `skip`, and stands no more
};

// The runs that the file keeps are judged again. Throws nlohmann::json::exception when they
// are of another shape than the lab writes.
Stored stored_standing(const Step &step, const StepProgress &done);

} // namespace lab::path
