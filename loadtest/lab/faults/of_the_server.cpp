// kill, freeze: the whole of the lab's own PostgreSQL.
#include <optional>
#include <stdexcept>

#include "db/faults.hpp"
#include "loadtest/lab/faults/fault_kind.hpp"
#include "loadtest/lab/faults/in_force.hpp"
#include "loadtest/lab/files.hpp"

namespace lab::cli {
namespace {

class Killed : public FaultAtWork {
public:
  explicit Killed(const Places &places)
      : places_(places), postgres_(places.postgres(db::lab_user())) {
    db::kill_server(postgres_);
  }

  void undo() override {
    const auto one_at_a_time = FileLock::wait_for(places_.up_lock());
    if (is_in_force(places_, "kill")) // else another has dealt with it: `lab down`, say
      postgres_.start();
  }
  std::string ended() const override { return "PostgreSQL runs again"; }

private:
  const Places places_;
  db::PrivatePostgres postgres_;
};

class Frozen : public FaultAtWork {
public:
  explicit Frozen(const Places &places)
      : postgres_(places.postgres(db::lab_user())), ice_(std::in_place, postgres_) {}

  void undo() override { ice_.reset(); }
  std::string ended() const override { return "PostgreSQL runs again"; }

private:
  db::PrivatePostgres postgres_;
  std::optional<db::Freeze> ice_;
};

// Never waits for the lock: who has it may be waiting for the agent.
void start_again(const Places &places) {
  const auto one_at_a_time = FileLock::try_take(places.up_lock());
  if (!one_at_a_time)
    throw std::runtime_error("another command starts or stops the lab just now");
  places.postgres(db::lab_user()).start();
}

} // namespace

std::vector<FaultKind> faults_of_the_server() {
  return {{"kill", "Kill it with all its processes", true, std::nullopt,
           [](int) { return "PostgreSQL is down"; },
           [](const Places &places, const FaultSize &) { return std::make_unique<Killed>(places); },
           start_again},
          {"freeze", "Halt all its processes, then let them go on", true, std::nullopt,
           [](int) { return "PostgreSQL is frozen"; },
           [](const Places &places, const FaultSize &) { return std::make_unique<Frozen>(places); },
           [](const Places &places) { db::thaw(places.postgres(db::lab_user())); }}};
}

} // namespace lab::cli
