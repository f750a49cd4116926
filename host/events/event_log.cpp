#include "host/events/event_log.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lab::host {

EventLog::EventLog(const Clock &clock, std::size_t kept)
    : clock_(clock), instance_(clock.wall_ms()), kept_(kept) {}

void EventLog::append(std::string type, nlohmann::json data) {
  data["at_ms"] = clock_.wall_ms();
  // What a plugin wrote may not be UTF-8: it is text, and stays harmless.
  std::string text = data.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  std::function<void()> told;
  {
    const std::lock_guard lock(mutex_);
    events_.push_back({++last_, std::move(type), std::move(text)});
    if (events_.size() > kept_) {
      if (events_.front().type != "gauges")
        happened_.push_back(std::move(events_.front()));
      if (happened_.size() > happened_kept)
        happened_.pop_front();
      events_.pop_front();
    }
    told = told_;
  }
  if (told)
    told();
}

std::vector<Event> EventLog::after(std::uint64_t place, std::size_t most) const {
  const std::lock_guard lock(mutex_);
  std::vector<Event> found;
  // Numbers grow in both, and from the one to the other.
  for (const auto *ring : {&happened_, &events_}) {
    const auto from = std::upper_bound(
        ring->begin(), ring->end(), place,
        [](std::uint64_t number, const Event &event) { return number < event.number; });
    const auto left = std::min(most - found.size(), static_cast<std::size_t>(ring->end() - from));
    found.insert(found.end(), from, from + static_cast<std::ptrdiff_t>(left));
  }
  return found;
}

std::string EventLog::id_of(std::uint64_t number) const {
  return fmt::format("{}-{}", instance_, number);
}

std::uint64_t EventLog::place_of(std::string_view id) const {
  const std::string ours = fmt::format("{}-", instance_);
  if (!id.starts_with(ours))
    return 0;
  const std::string_view digits = id.substr(ours.size());
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size())
    return 0;
  return number;
}

void EventLog::on_append(std::function<void()> told) {
  const std::lock_guard lock(mutex_);
  told_ = std::move(told);
}

} // namespace lab::host
