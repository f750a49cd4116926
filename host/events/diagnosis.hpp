// What is going on, in words: which of the known causes keeps requests waiting or failing, if one
// does. It is told from a few seconds of looks at pool and server, four a second, and only when
// the looks agree: a wrong name is worse than none.
//
// The core of the lab, as a doctor would ask: does the database answer at all? Is somebody sitting
// on connections? Do transactions wait for each other? Is the server full? Did suddenly more come?
// Only then: the pool is too small.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "host/pool/time.hpp"

namespace lab::host {

enum class Cause {
  idle,          // nobody asks for anything
  well,          // nobody waits for long
  unclear,       // something is wrong, and not known yet what
  small_pool,    // all connections in use, and the database has room
  database_busy, // all in use, and PostgreSQL has no processor left
  ceiling,       // the server has no connection left
  contention,    // transactions wait for each other's locks
  frozen,        // the database answers nothing
  database_away, // it can't be reached
  leak,          // connections are held by who does nothing with them
  spike,         // far more requests than before
  paused         // somebody paused the pool
};
std::string name_of(Cause cause); // "small_pool", ...

struct Diagnosis {
  Cause cause = Cause::idle;
  std::string text; // one line, its figures as they are

  // Connections that the last seconds would have needed on average, by Little's law: how many
  // asked a second, by how long each held one. Nothing where nobody asked.
  std::optional<double> needed = {};
};

// One look at pool and server.
struct Look {
  pool::Time at{};

  std::uint32_t in_use = 0, waiting = 0;
  std::uint32_t limit = 0; // may be in use at once, by the plan
  std::uint32_t open = 0;
  std::uint32_t long_holds = 0; // in use for LivePool::long_hold and more
  pool::Duration longest_hold{};
  bool paused = false;

  // Since the start.
  std::uint64_t asked = 0, turned_away = 0, connects_refused = 0;
  std::uint64_t ended = 0;      // holds
  std::uint64_t well = 0;       // of those: the connection came back fit
  pool::Duration in_use_time{}; // of all connections together

  struct Server {
    pool::Time read{};
    int max_connections = 0, reserved = 0, total = 0, ours = 0;
    int waiting_for_locks = 0;
    int long_at_work = 0;             // ours, in a transaction for half a second and more
    std::optional<double> cores = {}; // that its sessions use; nothing: it is elsewhere
  };
  std::optional<Server> server = {};
  bool silent = false;          // the server is there, and answers nothing
  std::string database_problem; // why it could not be read; "" when it could
};

// [one thread at a time]
class Diagnostician {
public:
  explicit Diagnostician(double processors) : processors_(processors) {}

  Diagnosis look(const Look &look);

private:
  class Finding;
  static constexpr std::chrono::seconds remembered{9};

  // A spike stays one until it is over, also once most of what is remembered is its own: then,
  // at the latest, that is simply what is asked.
  struct Spike {
    pool::Time since{};
    double before = 0; // requests a second
  };
  static constexpr std::chrono::seconds longest_spike{30};

  const double processors_; // that may be used here: a container may allow half of one
  std::deque<Look> looks_;
  std::optional<Spike> spike_;
  std::optional<pool::Time> last_frozen_;
  // The server looks full at once where a crowd comes; what they do there is read a moment later.
  std::optional<pool::Time> full_since_;
  static constexpr std::chrono::milliseconds full_before_it_is_told{750};
};

} // namespace lab::host
