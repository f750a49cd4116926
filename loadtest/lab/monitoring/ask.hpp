// A look at a program's pages over HTTP on this machine, whatever proxies the environment
// names. [any thread]
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace lab::cli {

// What it answers with status 200; nothing for any other, or when nobody answers.
std::optional<std::string> page_of(unsigned short port, const std::string &path,
                                   std::chrono::milliseconds limit = std::chrono::seconds(2));

bool answers_well(unsigned short port, const std::string &path);

} // namespace lab::cli
