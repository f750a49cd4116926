// The strategies that there are, and what the verifier thinks of each build.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "plugins/loader/find.hpp"
#include "plugins/verifier/verify.hpp"

namespace lab::host {

struct Listed {
  std::string name;
  std::string summary;
  std::size_t folder = 0;
  std::vector<plugin::Param> params;
  std::optional<std::string> problem; // why it can't be used
  std::vector<std::string> warnings;  // of the verifier; it may be used all the same
};

class StrategyCatalogue { // [any thread]
public:
  // `folders`: the lab's own first. `verifier`: the program lab_verify.
  StrategyCatalogue(std::vector<std::filesystem::path> folders, std::filesystem::path verifier);

  std::optional<plugin::Found> find(const std::string &name) const;
  std::vector<Listed> list();

  // A good verdict is remembered by content. A bad one serves a list as well, which is asked
  // for often; who wants to use it has it tried anew. Blocks while it is tried.
  enum class Known { good_only, serves };
  plugin::Verdict verdict_on(const std::filesystem::path &file, std::uint64_t content,
                             Known bad = Known::good_only);

  // Tells one build from another.
  static std::uint64_t fingerprint(const std::filesystem::path &file);

private:
  const std::vector<std::filesystem::path> folders_;
  const std::filesystem::path verifier_;
  std::mutex listing_; // one list at a time: else each of many viewers would try all anew
  std::mutex mutex_;
  std::map<std::uint64_t, plugin::Verdict> verdicts_; // by content
};

} // namespace lab::host
