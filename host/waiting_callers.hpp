// Those who wait for a connection, as far as one can see whether they are still
// there: a client that has gone must not be served. No thread waits for one; the
// time keeper looks at all of them now and then.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "host/pool/pool.hpp"

namespace lab::host {

// Who asked. Without a socket (-1) nobody looks.
struct Caller {
  int socket = -1;
};

class WaitingCallers { // [pool lock held] but for `gone_of`
public:
  // One wait of one request.
  struct Wait {
    pool::RequestId request{};
    int socket = -1;
    pool::Time since{};
  };

  void add(pool::RequestId request, Caller caller, pool::Time now);
  void remove(pool::RequestId request);

  // Removes it, if it still goes on. False: it is over.
  bool end(const Wait &wait);

  std::vector<Wait> all() const;

  // [any thread] Those whose client has closed, or has said that it will send no
  // more: that counts as gone, too. Looks without waiting.
  static std::vector<Wait> gone_of(std::vector<Wait> waits);

private:
  std::unordered_map<pool::RequestId, Wait> waits_;
};

} // namespace lab::host
