// What is sent and when, made from a seed before the run. [any thread]
//
// By integer arithmetic alone: random distributions of the standard library and
// floating point differ between builds, and every strategy on every machine is
// to get the very same load. The fingerprint says whether it was.
#pragma once

#include "loadtest/profile.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace lab::load {

// One request without its time.
struct Choice {
  Route route = Route::submit_job;
  // submit_job: job type 0..4; contend: row 1..5; hold_submit, hold_claim: place in
  // Profile::holds(); else 0.
  std::uint8_t variant = 0;
};

struct Arrival {
  std::chrono::nanoseconds due{}; // from the start of the run, warm-up included
  Choice choice;
};

// A closed-loop user: when it begins, what it sends, one after another, and when it has sent
// its last. A user that comes to the end of the list begins it again.
struct UserPlan {
  std::chrono::nanoseconds start{}, end{};
  std::vector<Choice> choices;
};
inline constexpr int choices_per_user = 4096;

// Users begin within this time from the start of the run, or of their stage.
inline constexpr std::chrono::milliseconds stagger{250};

struct Schedule {
  std::vector<Arrival> arrivals; // open: by due time
  std::vector<UserPlan> users;   // closed
  std::uint64_t fingerprint = 0; // of due times, routes and variants (FNV-1a, 64 bit)
};

// Calls check() first, and throws what it throws.
Schedule make_schedule(const Profile &profile, std::uint64_t seed);

std::string fingerprint_text(std::uint64_t fingerprint); // 16 hex digits

// -ln(u / 2^64) for 1 <= u, in units of 2^-24, by shifts and squarings.
// Exact to 2^-22.
std::uint64_t exponential_q24(std::uint64_t u);

} // namespace lab::load
