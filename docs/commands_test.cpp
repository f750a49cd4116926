// Every command block in README, CONTRIBUTING and docs does what it says: it is
// marked as run or as not run with a reason, and the first kind is run here, from
// a fresh copy of the repository, as a newcomer would.
//
//   ```sh run              must end with status 0
//   ```sh run exits 1      must end with that status
//   ```sh run in full      only by scripts/test --full
//   ```sh not run: WHY
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include <sys/stat.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "db/child.hpp"
#include "docs/test_prose.hpp"
#include "loadtest/lab/ports.hpp"

namespace lab {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

const fs::path source = POOL_LAB_SOURCE;

// README.md, CONTRIBUTING.md, docs/ with all below it, and the rooms' READMEs.
std::vector<fs::path> documents() {
  std::vector<fs::path> found;
  static const std::set<std::string> left_out = {"build", "my", "node_modules"};
  for (fs::recursive_directory_iterator entry(source), end; entry != end; ++entry) {
    const std::string name = entry->path().filename();
    if (entry->is_directory() && (name.front() == '.' || left_out.contains(name)))
      entry.disable_recursion_pending();
    else if (entry->path().extension() == ".md")
      found.push_back(fs::relative(entry->path(), source));
  }
  std::sort(found.begin(), found.end());
  return found;
}

bool is_run(const docs::Fence &block) {
  return block.mark.rfind("sh run", 0) == 0;
}

TEST(Commands, EveryBlockSaysWhetherItIsRun) {
  static const std::regex good(
      "sh run( exits [0-9]+| in full)?|sh not run: .+|text|toml|sql|c|cpp|json");
  int run = 0;
  for (const fs::path &document : documents())
    for (const docs::Fence &block : docs::fences_of(source / document)) {
      EXPECT_TRUE(std::regex_match(block.mark, good))
          << document << ":" << block.line << ": marked \"" << block.mark << "\"";
      run += is_run(block);
    }
  EXPECT_GT(run, 10);
}

TEST(Commands, EveryLinkLeadsSomewhere) {
  static const std::regex link(R"(\]\(([^)#:]+)(#[^)]*)?\))");
  for (const fs::path &document : documents()) {
    std::ifstream in(source / document);
    for (std::string line; std::getline(in, line);)
      for (std::sregex_iterator one(line.begin(), line.end(), link), end; one != end; ++one)
        EXPECT_TRUE(fs::exists(source / document.parent_path() / (*one)[1].str()))
            << document << ": " << (*one)[1];
  }
}

// A copy of the repository, as a clone would be, with a home and a port of its own.
class FreshCopy {
public:
  FreshCopy() {
    std::string name = fs::temp_directory_path() / "docs-test-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr)
      throw std::runtime_error("no folder can be made in " + fs::temp_directory_path().string());
    folder_ = name;
    ::chmod(folder_.c_str(), 0755); // the lab's user has to pass
    const auto copied = sh(fmt::format("cd '{}' && git ls-files -z -co --exclude-standard | "
                                       "xargs -0 cp --parents -t '{}'",
                                       source.string(), clone().string()),
                           60s);
    EXPECT_TRUE(copied.well()) << copied.output;
    const auto up =
        in_clone(fmt::format("scripts/lab up --port {}", cli::free_port_after(22'000)), 15min);
    EXPECT_TRUE(up.well()) << up.output;
  }
  ~FreshCopy() {
    (void)in_clone("scripts/lab down", 60s);
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }

  db::Outcome in_clone(const std::string &command, std::chrono::milliseconds limit) const {
    return sh(fmt::format("cd '{}' && {}", clone().string(), command), limit);
  }

private:
  fs::path clone() const {
    fs::create_directories(folder_ / "clone");
    return folder_ / "clone";
  }
  db::Outcome sh(const std::string &command, std::chrono::milliseconds limit) const {
    return db::run({.argv = {"sh", "-ec", command},
                    .environment = {{"LAB_HOME", folder_ / "home"},
                                    {"LAB_WORK", folder_ / "clone"},
                                    {"LAB_YES", "1"}}},
                   limit);
  }
  fs::path folder_;
};

TEST(Commands, EveryBlockThatIsRunDoesWhatItSays) {
  const bool full = std::getenv("LAB_TEST_FULL") != nullptr;
  static const std::regex exits(".* exits ([0-9]+)");
  const FreshCopy copy;
  for (const fs::path &document : documents())
    for (const docs::Fence &block : docs::fences_of(source / document)) {
      if (!is_run(block) || (block.mark == "sh run in full" && !full))
        continue;
      std::smatch status;
      const int wanted =
          std::regex_match(block.mark, status, exits) ? std::stoi(status[1].str()) : 0;
      const auto ended = copy.in_clone(block.text, 6min);
      EXPECT_FALSE(ended.timed_out) << document << ":" << block.line;
      EXPECT_EQ(ended.ended.status, wanted) << document << ":" << block.line << "\n"
                                            << block.text << ended.output;
    }
}

} // namespace
} // namespace lab
