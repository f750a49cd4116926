// The path as one HTML page to hand in: what was predicted, what happened, what was answered,
// and how. It asks nothing of the network, needs no script, and is readable on a phone, in the
// dark and on paper. [any thread]
#pragma once

#include <string>

#include "loadtest/lab/path/course.hpp"

namespace lab::path {

// What the page says besides the course. All of it is text.
struct ReportFacts {
  std::string learner;
  std::string date;
  std::string machine;
};

std::string html_report(const Course &course, const ReportFacts &facts);

} // namespace lab::path
