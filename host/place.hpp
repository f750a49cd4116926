// What the live driver keeps for each place of the pool: the connection in it, who holds
// that, and until when.
//
// A holder writes its own place without the pool's lock. The time keeper looks at all of
// them under it, and may cut a holder off: whoever of the two comes first decides, by one
// exchange of the deadline.
#pragma once

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "db/connection.hpp"
#include "host/pool/pool.hpp"

namespace lab::host {

class alignas(64) Place {
public:
  // ---- [pool lock held, nobody holds it] ----
  void put(pool::ConnectionId id, std::unique_ptr<db::Connection> connection) {
    id_ = id;
    connection_ = std::move(connection);
    holder_until_.store(nobody, std::memory_order_relaxed);
  }
  // ---- [pool lock held] ----
  bool has(pool::ConnectionId id) const { return connection_ && id_ == id; }
  bool empty() const { return !connection_; }
  pool::ConnectionId id() const { return id_; }
  std::unique_ptr<db::Connection> take_out() { return std::move(connection_); }

  struct Holder {
    pool::Time since;
    std::string_view route;
  };
  // Nothing: nobody holds it.
  std::optional<Holder> holder() const {
    if (holder_until_.load(std::memory_order_acquire) == nobody)
      return std::nullopt;
    return Holder{pool::Time(pool::Duration(since_.load(std::memory_order_relaxed))),
                  route_.load(std::memory_order_relaxed)};
  }
  // Shuts the socket of a holder whose deadline is not after `latest`. Its holder finds out.
  void cut_off(pool::Time latest) {
    auto until = holder_until_.load(std::memory_order_acquire);
    if (until == nobody || until == cut || until > latest.time_since_epoch().count())
      return;
    if (holder_until_.compare_exchange_strong(until, cut, std::memory_order_acq_rel))
      connection_->shut();
  }
  // Shuts the socket of who has held it since then. False: that one holds it no more.
  bool cut_off_since(pool::Time since) {
    auto until = holder_until_.load(std::memory_order_acquire);
    if (until == nobody ||
        since_.load(std::memory_order_relaxed) != since.time_since_epoch().count())
      return false;
    // No two holds have one mark: should another begin meanwhile, nothing is exchanged.
    if (until != cut &&
        !holder_until_.compare_exchange_strong(until, cut, std::memory_order_acq_rel) &&
        until != cut)
      return false;
    connection_->shut();
    return true;
  }
  // The holder has come, and is not one any more.
  void end_hold() { holder_until_.store(nobody, std::memory_order_release); }

  // ---- [the holder; or who hands it over, before the holder knows] ----
  // Answers the mark that it is to be let go with: its deadline, a microsecond or two later,
  // with the number of the hold in the last bits, so that it is not taken for another's.
  using Mark = pool::Duration::rep;
  Mark hold(pool::Time now, pool::Time until, const char *route) {
    since_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
    route_.store(route, std::memory_order_relaxed);
    turn_ = (turn_ + 1) % turns;
    const Mark deadline = std::min(until.time_since_epoch().count(), nobody - 2 * turns);
    const Mark mark = (deadline / turns + 1) * turns + turn_;
    holder_until_.store(mark, std::memory_order_release);
    return mark;
  }
  db::Connection &connection() { return *connection_; }
  // How long it has rested.
  pool::Duration rested(pool::Time now) const {
    return now - pool::Time(pool::Duration(given_back_.load(std::memory_order_relaxed)));
  }
  // False: the holder was cut off, and its connection is of no more use. Then the place
  // may even be another's by now, and is left as it is.
  bool let_go(pool::Time now, Mark mark) {
    if (holder_until_.load(std::memory_order_relaxed) != mark)
      return false;
    given_back_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
    return holder_until_.compare_exchange_strong(mark, nobody, std::memory_order_acq_rel);
  }

private:
  static constexpr auto nobody = pool::Time::max().time_since_epoch().count();
  static constexpr auto cut = pool::Time::min().time_since_epoch().count();
  static constexpr Mark turns = 1024;

  std::atomic<pool::Duration::rep> holder_until_{nobody};
  std::atomic<pool::Duration::rep> since_{0};
  std::atomic<const char *> route_{""};
  std::atomic<pool::Duration::rep> given_back_{0};
  Mark turn_ = 0; // of the last hold [who hands it over]
  pool::ConnectionId id_{};
  std::unique_ptr<db::Connection> connection_;
};

} // namespace lab::host
