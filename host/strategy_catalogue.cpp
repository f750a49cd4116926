#include "host/strategy_catalogue.hpp"

#include <fstream>
#include <iterator>
#include <utility>

namespace lab::host {
namespace {

// To forget one costs a trial; to keep all would cost memory at each build.
constexpr std::size_t verdicts_kept = 200;

} // namespace

StrategyCatalogue::StrategyCatalogue(std::vector<std::filesystem::path> folders,
                                     std::filesystem::path verifier)
    : folders_(std::move(folders)), verifier_(std::move(verifier)) {}

std::optional<plugin::Found> StrategyCatalogue::find(const std::string &name) const {
  return plugin::find_strategy(folders_, name);
}

std::vector<Listed> StrategyCatalogue::list() {
  const std::lock_guard one_at_a_time(listing_);
  std::vector<Listed> all;
  for (const plugin::Found &found : plugin::find_strategies(folders_)) {
    Listed &one = all.emplace_back();
    one.name = found.name;
    one.folder = found.folder;
    one.problem = found.problem;
    if (one.problem)
      continue;
    const plugin::Verdict verdict = verdict_on(found.path, fingerprint(found.path), Known::serves);
    one.summary = verdict.summary;
    one.params = verdict.params;
    one.warnings = verdict.warnings;
    if (!verdict.ok)
      one.problem = verdict.what;
  }
  return all;
}

plugin::Verdict StrategyCatalogue::verdict_on(const std::filesystem::path &file,
                                              std::uint64_t content, Known bad) {
  {
    const std::lock_guard lock(mutex_);
    const auto known = verdicts_.find(content);
    if (known != verdicts_.end() && (known->second.ok || bad == Known::serves))
      return known->second;
  }
  const plugin::Verdict verdict = plugin::verify(verifier_, file);
  const std::lock_guard lock(mutex_);
  if (verdicts_.size() >= verdicts_kept)
    verdicts_.clear();
  verdicts_[content] = verdict;
  return verdict;
}

// FNV-1a over the file.
std::uint64_t StrategyCatalogue::fingerprint(const std::filesystem::path &file) {
  std::ifstream in(file, std::ios::binary);
  std::uint64_t hash = 0xCBF29CE484222325ULL;
  for (std::istreambuf_iterator<char> byte(in), end; byte != end; ++byte)
    hash = (hash ^ static_cast<unsigned char>(*byte)) * 0x100000001B3ULL;
  return hash;
}

} // namespace lab::host
