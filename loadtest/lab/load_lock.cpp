#include "loadtest/lab/load_lock.hpp"

#include <chrono>

#include <unistd.h>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "loadtest/lab/exit_status.hpp"

namespace lab::cli {

using nlohmann::json;

LoadLock LoadLock::take(const std::filesystem::path &file, const std::string &command) {
  auto lock = FileLock::try_take(file);
  if (!lock) {
    const auto by = owner(file);
    if (!by)
      throw SetUpFailed("another load is just beginning or ending: try again");
    throw SetUpFailed(fmt::format("`{}` (process {}, since {}) runs a load, and two at once would "
                                  "measure each other: wait for it, or end it with `kill -INT {}`",
                                  by->command, by->process.pid, by->since, by->process.pid));
  }
  const auto self = process(::getpid());
  const auto now =
      fmt::localtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()));
  lock->write(json{{"pid", ::getpid()},
                   {"started", self ? self->started : 0},
                   {"command", command},
                   {"since", fmt::format("{:%H:%M:%S}", now)}}
                  .dump());
  return LoadLock(std::move(*lock));
}

LoadLock::~LoadLock() {
  try {
    if (lock_)
      lock_->write("");
  } catch (const SetUpFailed &) {
    // The owner named in it is about to end, which says the same.
  }
}

std::optional<LoadLock::Owner> LoadLock::owner(const std::filesystem::path &file) {
  const auto text = text_of_file(file);
  if (!text)
    return std::nullopt;
  const json content = json::parse(*text, nullptr, false);
  if (!content.is_object())
    return std::nullopt;
  const Owner by{{content.value("pid", 0), content.value("started", std::uint64_t{0})},
                 content.value("command", ""),
                 content.value("since", "")};
  return alive(by.process) ? std::optional(by) : std::nullopt;
}

} // namespace lab::cli
