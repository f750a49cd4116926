// The texts of profiles/*.toml, made by the build. [any thread]
#pragma once

#include <span>
#include <string_view>

namespace lab::load {

struct BuiltInProfile {
  std::string_view name, text;
};
std::span<const BuiltInProfile> built_in_profiles(); // as they stand in CMakeLists.txt

} // namespace lab::load
