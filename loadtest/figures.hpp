// How figures are rounded: once, when they are stored. What is printed is then
// the stored number itself, so a sentence and the JSON never differ.
// [any thread]
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace lab::load {

// From 100 on to a whole number, from 10 on to 1 decimal, from 1 on to 2, below
// that to 3. What is not finite becomes 0.
double rounded(double value);

// `part` of `whole` in percent, rounded; 0 when the whole is 0.
double percent(double part, double whole);

// A stored number as text: the shortest that reads back as the same, and never
// in scientific form. "?" for what is no number.
std::string shown(const nlohmann::json &number);

// The number at a path such as "pool.wait_ms.p99"; null when there is none.
nlohmann::json at(const nlohmann::json &json, const std::string &path);

// The same as a double; `otherwise` when there is none.
double number_at(const nlohmann::json &json, const std::string &path, double otherwise = 0);

} // namespace lab::load
