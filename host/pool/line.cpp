#include "host/pool/line.hpp"

#include <algorithm>

namespace lab::pool {

const Waiter *Line::find(RequestId request) const {
  const auto found = places_.find(request);
  return found == places_.end() ? nullptr : &*found->second;
}

Time Line::next_deadline() const {
  return deadlines_.empty() ? Time::max() : deadlines_.begin()->first;
}

const Waiter &Line::first_due() const {
  return *places_.at(deadlines_.begin()->second);
}

void Line::join(End end, const Waiter &waiter) {
  const Place place =
      waiters_.insert(end == End::front ? waiters_.begin() : waiters_.end(), waiter);
  places_.emplace(waiter.request, place);
  deadlines_.emplace(waiter.deadline, waiter.request);
}

void Line::leave(RequestId request) {
  const auto found = places_.find(request);
  deadlines_.erase({found->second->deadline, request});
  waiters_.erase(found->second);
  places_.erase(found);
}

void Line::judge(RequestId request, End end, Time deadline) {
  const Place place = places_.at(request);
  place->has_verdict = true;
  set_deadline(*place, std::min(place->own_deadline, deadline));
  waiters_.splice(end == End::front ? waiters_.begin() : waiters_.end(), waiters_, place);
}

void Line::plan_timeout(Duration wait_timeout) {
  for (Waiter &waiter : waiters_) {
    const Time planned = std::min(waiter.own_deadline, waiter.asked + wait_timeout);
    set_deadline(waiter, waiter.has_verdict ? std::min(waiter.deadline, planned) : planned);
  }
}

void Line::turn() {
  std::vector<Place> by_time;
  for (auto place = waiters_.begin(); place != waiters_.end(); ++place)
    if (!place->has_verdict)
      by_time.push_back(place);
  std::vector<Place> turned;
  for (auto place = waiters_.begin(); place != waiters_.end(); ++place) {
    if (place->has_verdict) {
      turned.push_back(place);
    } else {
      turned.push_back(by_time.back());
      by_time.pop_back();
    }
  }
  for (const Place place : turned)
    waiters_.splice(waiters_.end(), waiters_, place);
}

std::vector<Line::Newcomer> Line::take_newcomers() {
  std::vector<Newcomer> newcomers;
  std::uint32_t ahead = 0;
  for (Waiter &waiter : waiters_) {
    if (!waiter.asked_about) {
      waiter.asked_about = true;
      newcomers.push_back({&waiter, ahead});
    }
    ++ahead;
  }
  return newcomers;
}

void Line::set_deadline(Waiter &waiter, Time deadline) {
  deadlines_.erase({waiter.deadline, waiter.request});
  waiter.deadline = deadline;
  deadlines_.emplace(deadline, waiter.request);
}

} // namespace lab::pool
