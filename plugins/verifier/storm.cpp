#include "plugins/verifier/storm.hpp"

#include <algorithm>
#include <iterator>
#include <string_view>

namespace lab::plugin {
namespace {

constexpr pl_ns us = 1000;
constexpr pl_ns ms = 1000 * us;
constexpr pl_ns s = 1000 * ms;
constexpr pl_ns hour = 3600 * s;

// Holes on purpose: what a scene does not set is zero, as for a host that does
// not know it yet.
struct Scene {
  const char *name;
  std::size_t looks;
  void (*fill)(pl_observation &seen, std::uint64_t random);
};

pl_total total(std::uint64_t count, pl_ns mean) {
  if (count == 0)
    return {};
  return {count, static_cast<pl_ns>(count) * mean, mean / 2, mean * 2};
}

pl_gauge gauge(std::uint32_t now, std::uint32_t low, std::uint32_t high) {
  return {now, low, high, 0, (low + high) / 2.0};
}

void busy(pl_observation &seen, std::uint32_t waiting, pl_ns hold, std::uint64_t served) {
  const std::uint32_t n = seen.plan.max_in_use;
  seen.in_use = gauge(n, n / 2, n);
  seen.open = seen.in_use;
  seen.waiting = gauge(waiting, waiting / 2, waiting * 2);
  seen.oldest_wait = waiting == 0 ? 0 : 2 * hold;
  seen.oldest_wait_high = 2 * seen.oldest_wait;
  seen.asked = served + waiting;
  seen.served = served;
  seen.wait[PL_SERVED] = total(served, waiting == 0 ? 5 * us : hold);
  seen.hold[PL_SERVED] = total(served, hold);
}

void server(pl_observation &seen, std::uint32_t others, pl_ns age) {
  seen.server_max_connections = 100;
  seen.server_reserved = 3;
  seen.server_others = others;
  seen.server_age = age;
}

// In the order of a pool's life: it starts, works, drowns, fails, changes.
constexpr Scene scenes[] = {
    {"the first look, empty window", 1, [](pl_observation &, std::uint64_t) {}},
    {"nothing happens", 10,
     [](pl_observation &seen, std::uint64_t) { seen.idle = gauge(3, 3, 3); }},
    {"a calm load", 40,
     [](pl_observation &seen, std::uint64_t random) {
       busy(seen, 0, 5 * ms + static_cast<pl_ns>(random % 1000) * us, 20 + random % 10);
       server(seen, 5, 1 * s);
     }},
    {"overload", 50,
     [](pl_observation &seen, std::uint64_t random) {
       busy(seen, 200 + random % 300, 50 * ms, 6);
       seen.timed_out = 100;
       seen.refused = random % 50;
       seen.wait[PL_TIMED_OUT] = total(100, 200 * ms);
       server(seen, 40, 1 * s);
     }},
    {"waiting requests and none that ended", 15,
     [](pl_observation &seen, std::uint64_t) { busy(seen, 300, 1 * s, 0); }},
    {"every request fails", 25,
     [](pl_observation &seen, std::uint64_t random) {
       busy(seen, 50, 1 * ms, 0);
       seen.failed = 30 + random % 10;
       seen.hold[PL_FAILED] = total(seen.failed, 3 * ms);
     }},
    {"the database is gone", 25,
     [](pl_observation &seen, std::uint64_t) {
       seen.connecting = gauge(4, 0, 4);
       seen.waiting = gauge(60, 60, 60);
       seen.asked = 500;
       seen.refused = 500;
       seen.connects_failed = 40;
       seen.server_age = 30 * s;
     }},
    {"too many connections", 25,
     [](pl_observation &seen, std::uint64_t random) {
       busy(seen, 100, 30 * ms, 40);
       seen.connects_failed = 20 + random % 5;
       seen.connects_refused = seen.connects_failed;
       server(seen, 97, 1 * s);
     }},
    {"a shift to short requests", 30,
     [](pl_observation &seen, std::uint64_t random) {
       busy(seen, 90, 300 * us + static_cast<pl_ns>(random % 300) * us, 400);
       server(seen, 5, 1 * s);
     }},
    {"a shift to long requests", 30,
     [](pl_observation &seen, std::uint64_t random) {
       busy(seen, 90, 2 * s + static_cast<pl_ns>(random % 300) * ms, 3);
       server(seen, 5, 1 * s);
     }},
    {"more connections than the plan has", 15,
     [](pl_observation &seen, std::uint64_t) {
       busy(seen, 0, 5 * ms, 500);
       seen.open = gauge(1000, 900, 1000);
       seen.in_use = seen.open;
       server(seen, 400, 0);
     }},
    {"a very short window", 15,
     [](pl_observation &seen, std::uint64_t) {
       seen.window = 1;
       busy(seen, 1, 1, 1);
     }},
    {"a very long window, very large numbers", 15,
     [](pl_observation &seen, std::uint64_t) {
       seen.window = 24 * hour;
       busy(seen, 1000, 600 * s, 0);
       seen.asked = seen.served = 1ull << 40;
       seen.hold[PL_SERVED] = {1ull << 40, 1ll << 60, 1, 24 * hour};
       seen.wait[PL_SERVED] = seen.hold[PL_SERVED];
       seen.oldest_wait = seen.oldest_wait_high = hour;
       server(seen, 0xFFFFFFFF, 24 * hour);
       seen.server_max_connections = 0xFFFFFFFF;
     }},
    {"times of zero", 10,
     [](pl_observation &seen, std::uint64_t) {
       busy(seen, 10, 0, 100);
       server(seen, 0, 0);
       seen.server_max_connections = 1;
     }},
    {"calm again", 14,
     [](pl_observation &seen, std::uint64_t) {
       busy(seen, 0, 5 * ms, 20);
       server(seen, 5, 1 * s);
     }},
};

constexpr std::size_t all_looks() {
  std::size_t sum = 0;
  for (const Scene &scene : scenes)
    sum += scene.looks;
  return sum;
}
static_assert(all_looks() == Storm::length);

const Scene &scene_of(std::size_t number) {
  for (const Scene &scene : scenes) {
    if (number < scene.looks)
      return scene;
    number -= scene.looks;
  }
  return scenes[std::size(scenes) - 1];
}

// SplitMix64: each number gets its own random one.
std::uint64_t scrambled(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15ull;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
  return x ^ (x >> 31);
}

} // namespace

Storm::Storm() {
  samples_.reserve(POOL_LAB_MAX_SAMPLES);
}

Moment Storm::step(const pl_plan &plan) {
  const std::uint64_t random = scrambled(number_);
  const Scene &scene = scene_of(number_);
  pl_observation seen{};
  seen.struct_size = sizeof seen;
  seen.absolute_max = POOL_LAB_MAX_SIZE;
  seen.plan = plan;
  seen.window = number_ == 0 ? 0 : plan.next_look;
  seen.server_age = -1;
  seen.random = random;
  scene.fill(seen, random);
  now_ += std::max<pl_ns>(seen.window, 1);
  seen.now = now_;
  draw_samples(seen);
  last_ = seen;
  ++number_;
  return {scene.name, seen};
}

pl_ask Storm::ask(std::size_t number) const {
  const char *routes[] = {"POST /jobs", "GET /jobs/next", "",
                          "PATCH /jobs/:id and a very long one"};
  pl_ask ask{};
  ask.struct_size = sizeof ask;
  ask.ahead = static_cast<std::uint32_t>(number * 10);
  ask.now = last_.now;
  ask.asked = last_.now - static_cast<pl_ns>(number % 2) * ms;
  ask.deadline = ask.asked + last_.plan.wait_timeout;
  ask.open = last_.open.now;
  ask.idle = last_.idle.now;
  ask.in_use = last_.in_use.now;
  ask.connecting = last_.connecting.now;
  ask.waiting = ask.ahead + 1;
  const std::string_view route = routes[number % std::size(routes)];
  route.copy(ask.route, sizeof ask.route - 1); // the rest stays zero
  return ask;
}

// Every kind of end in the window has its share of the sample.
void Storm::draw_samples(pl_observation &seen) {
  const std::uint64_t ended[PL_OUTCOMES] = {seen.served, seen.timed_out, seen.refused,
                                            seen.cancelled, seen.failed};
  samples_.clear();
  for (std::uint32_t outcome = 0; outcome < PL_OUTCOMES; ++outcome) {
    const std::uint64_t share =
        std::min<std::uint64_t>(ended[outcome], POOL_LAB_MAX_SAMPLES / PL_OUTCOMES);
    const pl_total &hold = seen.hold[outcome];
    const pl_total &wait = seen.wait[outcome];
    for (std::uint64_t i = 0; i < share; ++i)
      samples_.push_back({seen.now, i % 2 == 0 ? wait.min : wait.max,
                          i % 2 == 0 ? hold.min : hold.max, outcome, 0});
  }
  seen.samples = samples_.empty() ? nullptr : samples_.data();
  seen.sample_count = static_cast<std::uint32_t>(samples_.size());
  seen.sample_stride = sizeof(pl_sample);
}

} // namespace lab::plugin
