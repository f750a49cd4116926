// Formulas over what is known of runs: "47 / 3 * small.pool.hold_ms.mean".
// Numbers, + - * / ^, comparisons (1 or 0), && ||, abs, min, max, floor; names are
// those of facts. muParser reads them. [any thread]
#pragma once

#include <map>
#include <set>
#include <string>

#include <nlohmann/json.hpp>

namespace lab::path {

// Numbers by name. A name that isn't there has no value, except counts of
// failures and of a fault's seconds: none counted is 0.
class Facts {
public:
  // All numbers of a tree: add("small", summary) makes "small.pool.hold_ms.mean".
  // An empty prefix: the tree's own names.
  void add(const std::string &prefix, const nlohmann::json &tree);

  double value(const std::string &name) const; // NaN: unknown

private:
  std::map<std::string, double> values_;
};

// NaN when a fact in it is unknown. Throws std::invalid_argument, one line, when
// it can't be read.
double evaluate(const std::string &formula, const Facts &facts);

// An unknown fact holds nothing true.
bool holds(const std::string &formula, const Facts &facts);

// The facts that a formula names. Throws like `evaluate`.
std::set<std::string> names_in(const std::string &formula);

// "{small.pool.hold_ms.mean}" in a text becomes its value, rounded as stored
// numbers are; "?" when unknown.
std::string filled(const std::string &text, const Facts &facts);

// The formulas in the braces of a text.
std::set<std::string> formulas_in(const std::string &text);

} // namespace lab::path
