#include "loadtest/lab/freeze.hpp"

#include <chrono>
#include <csignal>

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "loadtest/lab/exit_status.hpp"
#include "loadtest/lab/process.hpp"

namespace lab::cli {
namespace {

FileLock take(const Places &places) {
  auto lock = FileLock::try_take(places.fault_lock());
  if (!lock)
    throw SetUpFailed(
        "another freeze is under way: wait for it, or end it with scripts/lab fault clear");
  const auto self = process(::getpid());
  lock->write(nlohmann::json{{"pid", ::getpid()}, {"started", self ? self->started : 0}}.dump());
  return std::move(*lock);
}

} // namespace

FreezeUnderWay::FreezeUnderWay(const Places &places, db::PrivatePostgres postgres)
    : lock_(take(places)), postgres_(std::move(postgres)), frozen_(postgres_) {}

// The command that froze it thaws it, and ends; one that was killed left its number only.
void end_freeze(const Places &places) {
  if (FileLock::try_take(places.fault_lock()))
    return;
  const auto content =
      nlohmann::json::parse(text_of_file(places.fault_lock()).value_or(""), nullptr, false);
  if (!content.is_object())
    return;
  const ProcessId freezer{content.value("pid", 0), content.value("started", std::uint64_t{0})};
  if (!alive(freezer))
    return;
  ::kill(freezer.pid, SIGINT);
  (void)EndWatch(freezer).wait_for(std::chrono::seconds(5));
}

} // namespace lab::cli
