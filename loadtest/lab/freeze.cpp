#include "loadtest/lab/freeze.hpp"

#include <condition_variable>
#include <csignal>
#include <mutex>
#include <optional>
#include <utility>

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "db/faults.hpp"
#include "loadtest/lab/database.hpp"
#include "loadtest/lab/exit_status.hpp"
#include "loadtest/lab/process.hpp"

namespace lab::cli {
namespace {

// The process that has PostgreSQL frozen, as it wrote it into its lock; nothing while it has not.
std::optional<ProcessId> freezer(const Places &places) {
  const auto content =
      nlohmann::json::parse(text_of_file(places.fault_lock()).value_or(""), nullptr, false);
  if (!content.is_object())
    return std::nullopt;
  return ProcessId{content.value("pid", 0), content.value("started", std::uint64_t{0})};
}

FileLock lock_of(const Places &places) {
  auto lock = FileLock::try_take(places.fault_lock());
  if (!lock && freezer(places))
    throw SetUpFailed(
        "another freeze is under way: wait for it, or end it with scripts/lab fault clear");
  if (!lock)
    throw SetUpFailed("a load with a freeze of its own is under way: wait for its end, or end it "
                      "with Ctrl-C where it runs");
  lock->write(""); // what a killed one left
  return std::move(*lock);
}

// Says in the lock who has it frozen, for as long as that is so.
class Signed {
public:
  explicit Signed(const FileLock &lock) : lock_(lock) {
    const auto self = process(::getpid());
    lock_.write(nlohmann::json{{"pid", ::getpid()}, {"started", self ? self->started : 0}}.dump());
  }
  ~Signed() { lock_.write(""); }
  Signed(const Signed &) = delete;
  Signed &operator=(const Signed &) = delete;

private:
  const FileLock &lock_;
};

} // namespace

Freezer::Freezer(const Places &places, const std::string &command)
    : postgres_(own_postgres(places, command)), lock_(lock_of(places)) {}

void Freezer::freeze(std::chrono::steady_clock::time_point until, const std::stop_token &stop,
                     const std::function<void()> &frozen) const {
  const Signed known(lock_);
  const db::Freeze ice(postgres_);
  frozen();
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_until(lock, stop, until, [] { return false; });
}

void end_freeze(const Places &places) {
  if (FileLock::try_take(places.fault_lock()))
    return;
  const auto who = freezer(places);
  if (!who || !alive(*who))
    return;
  ::kill(who->pid, SIGINT);
  (void)EndWatch(*who).wait_for(std::chrono::seconds(5));
}

} // namespace lab::cli
