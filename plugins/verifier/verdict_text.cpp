#include "plugins/verifier/verdict_text.hpp"

#include <fmt/format.h>

namespace lab::plugin {

std::string verdict_text(const std::string &name, const Verdict &verdict) {
  std::string text;
  for (const std::string &warning : verdict.warnings)
    text += fmt::format("{}: warning: {}\n", name, warning);
  if (!verdict.ok)
    return text + fmt::format("{}: refused ({}): {}\n", name, verdict.check, verdict.what);
  text += fmt::format("{}: fine, tried in {} ms: {}\n", name, verdict.took.count() / 1000,
                      verdict.summary);
  for (const Param &p : verdict.params)
    text += fmt::format("  {} = {} ({}, {} to {}): {}\n", p.name, p.default_value,
                        type_name(p.type), p.min, p.max, p.help);
  if (!verdict.members.empty())
    text += fmt::format("  it has: {}\n", fmt::join(verdict.members, ", "));
  return text;
}

} // namespace lab::plugin
