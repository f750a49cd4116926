#include "loadtest/lab/path/formula.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <list>
#include <regex>
#include <stdexcept>

#include <fmt/format.h>
#include <muParser.h>

#include "loadtest/figures.hpp"

namespace lab::path {
namespace {

constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

// muParser compares with NaN as C++ does, so `!=` would hold for what is unknown,
// and `||` would hide it. What a formula named is therefore looked at by itself.
struct Reading {
  const Facts *facts = nullptr; // nothing: the names alone matter
  std::list<double> values;     // stay where they are while muParser points to them
  std::set<std::string> names;
  bool all_known = true;
};

double *look_up(const char *name, void *reading_of) {
  auto &reading = *static_cast<Reading *>(reading_of);
  reading.names.insert(name);
  const double value = reading.facts ? reading.facts->value(name) : 1;
  if (std::isnan(value))
    reading.all_known = false;
  reading.values.push_back(value);
  return &reading.values.back();
}

[[noreturn]] void fail(std::string formula, const std::string &why) {
  std::replace(formula.begin(), formula.end(), '\n', ' ');
  throw std::invalid_argument(fmt::format("\"{}\": {}", formula, why));
}

double read(const std::string &formula, Reading &reading) {
  // muParser would set the fact, and go on with what it was set to.
  static const std::regex assigns(R"((^|[^=!<>])=(?!=))");
  if (std::regex_search(formula, assigns))
    fail(formula, "write == to compare");
  try {
    mu::Parser parser;
    parser.DefineNameChars("0123456789_."
                           "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
    parser.DefineFun("floor", [](double x) { return std::floor(x); });
    parser.SetVarFactory(look_up, &reading);
    parser.SetExpr(formula);
    const double value = parser.Eval();
    if (parser.GetNumResults() != 1)
      fail(formula, "a comma gives it more than one value");
    return value;
  } catch (const mu::Parser::exception_type &e) {
    fail(formula, e.GetMsg());
  }
}

bool counts_from_zero(const std::string &name) {
  static const std::regex counted(R"((^|.*\.)(failed|fault)\.[a-z_]+)");
  return std::regex_match(name, counted);
}

const std::regex in_braces(R"(\{([^{}]+)\})");

} // namespace

void Facts::add(const std::string &prefix, const nlohmann::json &tree) {
  if (tree.is_number())
    values_[prefix] = tree.get<double>();
  else if (tree.is_boolean())
    values_[prefix] = tree.get<bool>() ? 1 : 0;
  else if (tree.is_object())
    for (const auto &[name, part] : tree.items())
      add(prefix.empty() ? name : prefix + "." + name, part);
}

double Facts::value(const std::string &name) const {
  const auto found = values_.find(name);
  if (found != values_.end())
    return found->second;
  return counts_from_zero(name) ? 0 : unknown;
}

double evaluate(const std::string &formula, const Facts &facts) {
  Reading reading;
  reading.facts = &facts;
  const double value = read(formula, reading);
  return reading.all_known && std::isfinite(value) ? value : unknown;
}

bool holds(const std::string &formula, const Facts &facts) {
  const double value = evaluate(formula, facts);
  return !std::isnan(value) && value != 0;
}

std::set<std::string> names_in(const std::string &formula) {
  Reading reading;
  read(formula, reading);
  return reading.names;
}

std::set<std::string> formulas_in(const std::string &text) {
  std::set<std::string> formulas;
  for (std::sregex_iterator found(text.begin(), text.end(), in_braces), end; found != end; ++found)
    formulas.insert((*found)[1]);
  return formulas;
}

std::string filled(const std::string &text, const Facts &facts) {
  std::string result;
  auto rest = text.begin();
  for (std::sregex_iterator found(text.begin(), text.end(), in_braces), end; found != end;
       ++found) {
    result.append(rest, (*found)[0].first);
    const double value = evaluate((*found)[1], facts);
    result += std::isnan(value) ? "?" : load::shown(load::rounded(value));
    rest = (*found)[0].second;
  }
  return result.append(rest, text.end());
}

} // namespace lab::path
