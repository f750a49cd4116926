// Builds one strategy: the headers that the lab has installed and a compiler are all
// it takes.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "loadtest/lab/authoring/complaint.hpp"
#include "loadtest/lab/authoring/source.hpp"
#include "loadtest/lab/places.hpp"

namespace lab::cli {

struct Built {
  std::optional<Complaint> error; // nothing: the library is there
  std::optional<Complaint> warning;
  std::chrono::milliseconds took{};
};

// How it is built: as it will run; or so that a damage to memory stops it where it
// happens, which makes it slow and is for trying only.
enum class Build { usual, sanitized };

// The command line, in words. CXX and CC name another compiler.
std::vector<std::string> compile_command(const Places &places, const std::filesystem::path &text,
                                         const std::filesystem::path &library, Build how);

// Builds `source` into `library`, which appears whole or stays as it was. Throws
// SetUpFailed where there is no compiler, or no room. Interrupted by `stop`. [any thread]
Built build(const Places &places, const Source &source, const std::filesystem::path &library,
            Build how = Build::usual, const std::stop_token &stop = {});

} // namespace lab::cli
