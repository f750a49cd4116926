// What happened lately, for those who watch: a ring of events, each with an id
// that grows by one. It is the only queue there is: a viewer remembers where it
// stands, and one that falls behind the ring's end goes on at its beginning. So
// a viewer that is slow or asleep costs the host nothing.
//
// Gauges come four times a second, and the next says it all anew. What came once, as that
// a load began, is needed for longer: it has a ring of its own, which they can't push it
// out of. [any thread]
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "host/clock.hpp"

namespace lab::host {

struct Event {
  std::uint64_t number = 0; // from 1
  std::string type;         // gauges, swap, strategy, fault, leak, pause, mark
  std::string data;         // a JSON object, one line; `at_ms`: when, since 1970
};

class EventLog {
public:
  static constexpr std::size_t happened_kept = 500;

  // `kept`: how many events the ring holds. Of what leaves it, all but gauges is kept on.
  EventLog(const Clock &clock, std::size_t kept);

  // `data` is an object; `at_ms` is added to it.
  void append(std::string type, nlohmann::json data);

  // Events after `place`, oldest first, no more than `most`. Skips what is no longer kept.
  std::vector<Event> after(std::uint64_t place, std::size_t most) const;

  // "INSTANCE-NUMBER", as ids go over the wire; and back: 0, the beginning, when
  // `id` is empty, another instance's or no id at all.
  std::string id_of(std::uint64_t number) const;
  std::uint64_t place_of(std::string_view id) const;

  // Called after each append, by whoever appended.
  void on_append(std::function<void()> told);

private:
  const Clock &clock_;
  // Tells this host from an earlier one on the same port: a place in another one's
  // log means nothing here.
  const std::uint64_t instance_;
  const std::size_t kept_;
  mutable std::mutex mutex_; // guards the rest; no other lock is taken under it
  std::uint64_t last_ = 0;
  std::deque<Event> happened_; // older than the oldest of events_, without gauges
  std::deque<Event> events_;
  std::function<void()> told_;
};

} // namespace lab::host
