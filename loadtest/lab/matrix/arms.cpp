#include "loadtest/lab/matrix/arms.hpp"

#include <algorithm>

#include "loadtest/lab/load_options.hpp"
#include "loadtest/lab/state.hpp"

namespace lab::cli {
namespace {

matrix::Arm arm_of(const std::string &name) {
  const std::size_t colon = name.find(':');
  matrix::Arm arm{name, name.substr(0, colon)};
  for (std::size_t at = colon; at != std::string::npos;) {
    const std::size_t next = name.find(',', at + 1);
    arm.params.insert(parse_setting(name.substr(at + 1, next - at - 1)));
    at = next;
  }
  return arm;
}

} // namespace

std::vector<matrix::Arm> arms_of(const std::vector<std::string> &names, int handicap) {
  std::vector<matrix::Arm> arms;
  for (const std::string &name : names)
    arms.push_back(arm_of(name));
  if (arms.empty())
    return arms;
  const auto known = std::find_if(arms.begin(), arms.end(),
                                  [](const matrix::Arm &arm) { return arm.name == safe_strategy; });
  const matrix::Arm &of = known == arms.end() ? arms.front() : *known;
  arms.push_back(handicap > 0 ? matrix::handicapped(of, handicap) : matrix::twin_of(of));
  return arms;
}

} // namespace lab::cli
