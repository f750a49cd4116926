// A home of its own with this build in it, for tests of setting up: nothing is up,
// and each command may be run by another user, under other limits, or in another
// namespace. What is left of it is ended and removed. [one thread]
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "db/child.hpp"
#include "loadtest/lab/places.hpp"
#include "loadtest/lab/test_lab.hpp"

namespace lab::cli {

// A folder in the temporary folder, removed at the end. Anybody may pass.
class TestFolder {
public:
  TestFolder();
  ~TestFolder();
  TestFolder(const TestFolder &) = delete;
  TestFolder &operator=(const TestFolder &) = delete;

  const std::filesystem::path &path() const { return path_; }

private:
  std::filesystem::path path_;
};

// A small disk: a tmpfs mounted there, whose size can change. Root only.
class TestDisk {
public:
  TestDisk(std::filesystem::path at, int megabytes); // throws std::runtime_error
  ~TestDisk();
  TestDisk(const TestDisk &) = delete;
  TestDisk &operator=(const TestDisk &) = delete;

  void resize(int megabytes) const;
  void fill() const; // to the last byte
  void free() const; // what `fill` took

private:
  std::filesystem::path at_;
};

// How a command is run, where that is not as the caller.
struct Ways {
  std::vector<std::string> through = {}; // before the command: {"unshare", "-n"}
  std::map<std::string, std::string> environment = {};
  std::optional<db::LabUser> user = {};
  std::vector<std::pair<int, rlim_t>> limits = {};
};

// Runs it to its end; both outputs apart.
TestLab::Said run_apart(std::vector<std::string> argv, const Ways &ways);

class TestHome {
public:
  TestHome();                                                       // in a folder of its own
  TestHome(std::filesystem::path home, std::filesystem::path work); // in somebody's
  ~TestHome();
  TestHome(const TestHome &) = delete;
  TestHome &operator=(const TestHome &) = delete;

  void install() const; // throws std::runtime_error

  TestLab::Said lab(const std::vector<std::string> &arguments, const Ways &ways = {}) const;
  TestLab::Said up() const { return lab({"up", "--port", std::to_string(port_)}); }
  nlohmann::json status() const; // of `lab status --json`

  unsigned short port() const { return port_; }
  const Places &places() const { return places_; }

private:
  std::optional<TestFolder> folder_;
  Places places_;
  unsigned short port_;
};

bool is_root();

// One line, with an end: what every failure of the lab has to be.
bool is_one_line(const std::string &text);

} // namespace lab::cli
