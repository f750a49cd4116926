// A profile: the description of a load. Each is a small file, profiles/NAME.toml; the lab's own
// are also built in, so they are there wherever the program is. [any thread]
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

// How requests of the open model arrive.
enum class Arrivals {
  poisson,  // independently of each other, as those of many people do
  constant, // evenly, as those of one program do
  bursty    // many at once, bursts as far apart as Poisson's
};

std::string_view arrivals_name(Arrivals arrivals); // "poisson", ...

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

// A part of the measured time with a load of its own; what it does not say is the profile's.
struct Stage {
  std::chrono::milliseconds length{};
  std::optional<int> users = {}; // closed; 0: nobody
  std::optional<int> rate = {};  // open; 0: nothing arrives
  std::vector<Route> cycle = {};
  std::optional<std::chrono::milliseconds> hold = {};

  bool operator==(const Stage &) const = default;
};

// Clients that try again when the host says "not now" (503).
struct Retry {
  int times = 0; // at most so often, 0..10; 0: they don't
  std::chrono::milliseconds pause{};
  int backoff_percent = 100; // each pause is so much of the one before: 200 doubles it

  bool operator==(const Retry &) const = default;
};

// What is done to the lab while it is loaded, as `lab fault` does it.
struct Trouble {
  std::string fault;                          // "slow-connects"; "": nothing
  int amount = 0;                             // 0: its usual one
  std::chrono::milliseconds from{}, length{}; // from the start of the measured time; 0: all of it

  bool operator==(const Trouble &) const = default;
};

// A rate that depends on the machine: so much of what so many connections give on it, as
// `lab calibrate` has measured.
struct RateOf {
  int percent = 0; // 0: the rate is said plainly
  int connections = 10;
};

struct Profile {
  std::string name;
  std::string what; // one line, shown to people

  Model model = Model::closed;
  int users = 0;            // closed: 1..max_users; 0: there is no closed form
  int rate = 0;             // open: requests a second on average, 1..max_rate; 0: no open form
  RateOf rate_of;           // of the open form, as long as rate is 0
  std::vector<Route> cycle; // each user's (closed) or the arrivals' (open) routes, over and over
  Arrivals arrivals = Arrivals::poisson;
  int burst = 1; // bursty: requests that arrive at once, 1..max_burst

  std::chrono::milliseconds warm_up{2000};  // requests due in it are not judged
  std::chrono::milliseconds measure{10000}; // the measured time after it
  std::vector<Stage> stages;                // of the measured time, in order; the rest is as before

  std::chrono::milliseconds hold{0};      // hold_submit, hold_claim: 0..5 s
  std::chrono::milliseconds slow_hold{0}; // of the few that are slow
  int slow_percent = 0;                   // how many of a hundred are, 0..100
  int rows = 0;                           // contend: worker rows fought over, 1..5
  std::chrono::milliseconds deadline{0};  // Request-Timeout-Ms; 0: no header, so the host's 30 s
  std::chrono::milliseconds think{0};     // closed: a user's pause after a success
  std::chrono::milliseconds pause_after_failure{0}; // closed: and after a failure
  Retry retry;

  bool neighbour = false; // another application needs a connection now and then
  Trouble trouble;
  bool for_benchmark = false; // not in profile_names()

  // When the client itself gives up on a request, from its sending on.
  std::chrono::milliseconds client_limit() const;
  std::chrono::milliseconds total() const { return warm_up + measure; }

  // All the holds that a request may have, each once: a choice names one by its place.
  std::vector<std::chrono::milliseconds> holds() const;
};

inline constexpr int max_users = 900;
inline constexpr int max_rate = 50'000;
inline constexpr int max_burst = 1000;
inline constexpr int most_rows = 5; // of worker_heartbeats, that are fought over
inline constexpr std::size_t max_stages = 20;
inline constexpr std::int64_t max_arrivals = 20'000'000;
inline constexpr std::chrono::minutes max_total{60};

// What a hold takes besides its sleep, as the host reckons: one that leaves its deadline less
// than this is never begun.
inline constexpr std::chrono::milliseconds around_a_hold{100};

// The lab's own for people, in the order in which they are met.
std::vector<std::string> profile_names();

// Also finds the benchmark's. Throws std::invalid_argument, one line that names
// the ones there are.
Profile profile_named(const std::string &name);

// One cell of `lab compare`: 2 s warm-up, 5 s measured, stages made shorter alike. With the
// wait for the last answers a cell stays under 9 s.
Profile for_compare(Profile profile);

// The measured time with its stages, made shorter or longer alike.
void stretch(Profile &profile, std::chrono::milliseconds measure);

// Throws std::invalid_argument, one line, when a value is out of its range or
// the profile has no such model.
void check(const Profile &profile);

} // namespace lab::load
