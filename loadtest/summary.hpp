// From what was recorded to the summary: counts, rates, quantiles, the grade by
// the original's rule, and whether the run proves anything. [any thread]
//
// Every figure is rounded when it is stored (figures.hpp), so that what people
// read and what programs read is the same number. docs of the fields: README.md.
#pragma once

#include "loadtest/histogram.hpp"
#include "loadtest/recorded.hpp"

#include <map>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace lab::load {

// "latency", "latency_sent" (successes), "latency_failed", "wait", "hold", "lag"
// (from due to sent): of the requests that are judged. "latency:ROUTE" and "latency_failed:CODE"
// are parts of the first and the third: only those that there were.
std::map<std::string, Histogram> histograms_of(const Recorded &recorded);

nlohmann::json summarise(const Recorded &recorded);

// The original's rule: red when more than 10 % are not 2xx or p99 is over 2 s;
// yellow when any is not 2xx or p99 is over 500 ms; else green.
enum class Grade { green, yellow, red };
Grade grade_of(std::uint64_t finished, std::uint64_t failed, double p99_ms);
std::string_view grade_name(Grade grade);

// Turns the summary into that of an invalid run, for reasons that only the
// caller sees (the database could not be reset, ...). One line.
void mark_invalid(nlohmann::json &summary, const std::string &reason);

} // namespace lab::load
