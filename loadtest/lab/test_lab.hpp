// A whole lab for tests: this build installed into a home of its own, with its
// own PostgreSQL, agent, host and port, driven as people drive it. Taken down
// and removed at the end. [one thread]
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "db/child.hpp"
#include "loadtest/lab/host_api.hpp"
#include "loadtest/lab/places.hpp"

namespace lab::cli {

// Looks again until it holds; false when it did not within `limit`. A host that is
// being started anew, and so does not answer, is no answer yet.
bool eventually(const std::function<bool()> &holds,
                std::chrono::milliseconds limit = std::chrono::seconds(20));

class TestLab {
public:
  TestLab(); // installs and brings it up; throws std::runtime_error
  ~TestLab();
  TestLab(const TestLab &) = delete;
  TestLab &operator=(const TestLab &) = delete;

  struct Said {
    int status = 0; // -1: it did not end in time
    std::string out;
    std::string err;
  };
  // `lab ARGUMENTS...`, to its end.
  Said lab(std::vector<std::string> arguments) const;
  db::Launch launch(std::vector<std::string> arguments) const; // to be started otherwise

  nlohmann::json status() const; // of `lab status --json`
  HostApi host() const { return HostApi(port_); }
  unsigned short port() const { return port_; }
  const Places &places() const { return *places_; }
  const std::filesystem::path &folder() const { return folder_; }

private:
  std::filesystem::path folder_;
  std::unique_ptr<Places> places_;
  unsigned short port_ = 0;
};

} // namespace lab::cli
