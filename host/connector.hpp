// Opens and closes connections in the background: one thread, one poll loop.
//
// Nothing that a request does waits for a connect or for a close. A connect
// that takes longer than five seconds has failed.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "db/connection.hpp"
#include "host/pool/pool.hpp"

namespace lab::host {

class Connector {
public:
  // Called on the connector's own thread, never while it holds a lock.
  using Connected = std::function<void(pool::ConnectionId, std::unique_ptr<db::Connection>)>;
  using Failed = std::function<void(pool::ConnectionId, const db::ConnectError &)>;

  Connector(std::string conninfo, Connected connected, Failed failed);
  ~Connector(); // connects under way are given up, closes are carried out

  void connect(pool::ConnectionId connection);            // [any thread]
  void close(std::unique_ptr<db::Connection> connection); // [any thread]

  // [any thread] A fault on purpose: from now on each connection of this program counts
  // as connected that much later than it is. Zero: no more, not even those that wait.
  static void slow_down(std::chrono::milliseconds by);

private:
  struct Underway;
  void run();
  void step(std::vector<Underway> &underway);
  void wake();

  std::string conninfo_;
  Connected connected_;
  Failed failed_;

  int wake_ = -1;    // eventfd
  std::mutex mutex_; // guards the three below; held for moments only
  bool stop_ = false;
  std::vector<pool::ConnectionId> to_connect_;
  std::vector<std::unique_ptr<db::Connection>> to_close_;

  std::thread thread_;
};

} // namespace lab::host
