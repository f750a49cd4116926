// A profile: the description of a load. All of the lab's profiles stand in one
// table in profile.cpp. [any thread]
//
// Lessons must not depend on how quick the machine is, so all but `original`
// hold connections for a stated time or fight over rows.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lab::load {

enum class Model {
  open,  // requests arrive when they arrive, however slow the answers are
  closed // a fixed number of users, each waits for its answer before it goes on
};

std::string_view model_name(Model model); // "open", "closed"

// What a request does.
enum class Route : std::uint8_t {
  submit_job,  // POST /jobs
  next_job,    // GET /jobs/next
  job_stats,   // GET /jobs/stats
  hold_submit, // POST /lab/hold, as a submitter
  hold_claim,  // POST /lab/hold, as a worker
  contend,     // POST /lab/contend
  touch        // POST /lab/touch
};
inline constexpr int route_count = 7;

std::string_view route_name(Route route); // "submit_job", ... as in requests.csv
std::optional<Route> route_called(std::string_view name);

struct Profile {
  std::string name;
  std::string what; // one line, shown to people

  Model model = Model::closed;
  int users = 0;            // closed: 1..max_users; 0: there is no closed form
  int rate = 0;             // open: requests a second on average, 1..max_rate; 0: no open form
  std::vector<Route> cycle; // each user's (closed) or the arrivals' (open) routes, over and over

  std::chrono::milliseconds warm_up{2000};  // requests due in it are not judged
  std::chrono::milliseconds measure{10000}; // the measured time after it

  std::chrono::milliseconds hold{0};     // hold_submit, hold_claim: 0..5 s
  int rows = 0;                          // contend: worker rows fought over, 1..5
  std::chrono::milliseconds deadline{0}; // Request-Timeout-Ms; 0: no header, so the host's 30 s
  std::chrono::milliseconds think{0};    // closed: a user's pause after a success
  std::chrono::milliseconds pause_after_failure{0}; // closed: and after a failure

  bool neighbour = false;     // another application needs a connection now and then
  bool for_benchmark = false; // not in profile_names()

  // When the client itself gives up on a request, from its sending on.
  std::chrono::milliseconds client_limit() const;
  std::chrono::milliseconds total() const { return warm_up + measure; }
};

inline constexpr int max_users = 900;
inline constexpr int max_rate = 50'000;
inline constexpr std::int64_t max_arrivals = 20'000'000;
inline constexpr std::chrono::minutes max_total{60};

// What a hold takes besides its sleep, as the host reckons: one that leaves its deadline less
// than this is never begun.
inline constexpr std::chrono::milliseconds around_a_hold{100};

// original, hold, contended, ceiling: the ones for people.
std::vector<std::string> profile_names();

// Also finds the benchmark's. Throws std::invalid_argument, one line that names
// the ones there are.
Profile profile_named(const std::string &name);

// One cell of `lab compare`: 2 s warm-up, 5 s measured. With the wait for the
// last answers a cell stays under 9 s.
Profile for_compare(Profile profile);

// Throws std::invalid_argument, one line, when a value is out of its range or
// the profile has no such model.
void check(const Profile &profile);

} // namespace lab::load
