// terminate, take: connections of the lab's own PostgreSQL.
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <pqxx/result>

#include "db/connection.hpp"
#include "db/tables.hpp"
#include "loadtest/lab/faults/fault_kind.hpp"

namespace lab::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto connect_limit = 2s;

// Ends sessions of the job role one after the other, those at work first.
class Terminating : public FaultAtWork {
public:
  Terminating(const Places &places, int times)
      : postgres_(places.postgres(db::lab_user())), times_(times) {
    if (const auto problem = postgres_.problem())
      throw std::runtime_error(*problem);
  }

  void last(Time until, const std::stop_token &stop) override {
    const Time begun = std::chrono::steady_clock::now();
    for (int done = 0; done < times_; ++done) {
      FaultAtWork::last(begun + (until - begun) / times_ * done, stop);
      if (stop.stop_requested())
        return;
      terminate_one();
    }
    FaultAtWork::last(until, stop);
  }
  void undo() override {}
  std::string ended() const override {
    if (terminated_ == 0)
      return "no backend was terminated: the hosts had none";
    return fmt::format("{} of {} backends of the hosts were terminated{}", terminated_, times_,
                       terminated_ < times_ ? ": there was none at the other times" : "");
  }

private:
  void terminate_one() {
    try {
      const auto admin = db::connect(postgres_.conninfo_admin("pool_lab fault"), connect_limit);
      terminated_ += static_cast<int>(
          db::run_now(*admin, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                              "WHERE usename = 'lab_jobs' AND backend_type = 'client backend' "
                              "ORDER BY state <> 'active', random() LIMIT 1")
              .size());
    } catch (const std::exception &) {
      // Another fault has the server down or frozen: there is no backend to end.
    }
  }

  const db::PrivatePostgres postgres_;
  const int times_;
  int terminated_ = 0;
};

// Another application that opens connections and sits on them.
class Taken : public FaultAtWork {
public:
  Taken(const Places &places, int count) : wanted_(count) {
    const auto postgres = places.postgres(db::lab_user());
    while (static_cast<int>(sessions_.size()) < wanted_) {
      try {
        sessions_.push_back(
            db::connect(postgres.conninfo_neighbour("pool_lab taken"), connect_limit));
      } catch (const db::ConnectRefused &refused) {
        if (sessions_.empty() && refused.error.kind != db::ConnectFailure::too_many_connections)
          throw std::runtime_error("no connection can be taken: " + refused.error.message);
        break;
      }
    }
  }

  std::string remark() const override {
    const auto got = static_cast<int>(sessions_.size());
    return got < wanted_ ? fmt::format("the server gave {} of them", got) : "";
  }
  void undo() override { sessions_.clear(); }
  std::string ended() const override { return "the connections are free again"; }

private:
  const int wanted_;
  std::vector<std::unique_ptr<db::Connection>> sessions_;
};

} // namespace

// Sessions end with the process that has them, and a backend that ended is replaced by
// the pool: a killed process leaves nothing.
std::vector<FaultKind> faults_of_its_connections() {
  return {{"terminate", "End backends of the hosts' sessions, spread over the time", true,
           FaultKind::Amount{"--times", "How many", 1, 1000, 10},
           [](int times) { return fmt::format("up to {} backends are terminated", times); },
           [](const Places &places, const FaultSize &size) {
             return std::make_unique<Terminating>(places, size.amount);
           },
           [](const Places &) {}},
          {"take", "Have another application take connections and sit on them", true,
           FaultKind::Amount{"COUNT", "How many", 1, 1000, 50},
           [](int count) { return fmt::format("another application takes {} connections", count); },
           [](const Places &places, const FaultSize &size) {
             return std::make_unique<Taken>(places, size.amount);
           },
           [](const Places &) {}}};
}

} // namespace lab::cli
