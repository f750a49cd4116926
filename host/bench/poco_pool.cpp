// Poco's SessionPool over SQLite in memory, which needs no server. When it is full it
// throws and never waits, so a request tries again after a yield: that is counted.
#include <Poco/Data/SQLite/Connector.h>
#include <Poco/Data/SessionPool.h>

#include "host/bench/measure.hpp"

namespace lab::bench {
namespace {

class PocoPool : public Contender {
public:
  PocoPool() { ::Poco::Data::SQLite::Connector::registerConnector(); }

  std::string name() const override { return "poco"; }
  bool waits() const override { return false; }

  Measured run(const Slice &slice) override {
    ::Poco::Data::SessionPool pool(::Poco::Data::SQLite::Connector::KEY,
                                   ":memory:", slice.connections, slice.connections);
    {
      std::vector<::Poco::Data::Session> open;
      for (int i = 0; i < slice.connections; ++i)
        open.push_back(pool.get());
    }
    std::atomic<std::uint64_t> retries{0};
    Measured measured = measure(slice, [&](auto held) {
      for (;;) {
        try {
          const ::Poco::Data::Session session = pool.get();
          held();
          return;
        } catch (const ::Poco::Data::SessionPoolExhaustedException &) {
          retries.fetch_add(1, std::memory_order_relaxed);
          std::this_thread::yield();
        }
      }
    });
    measured.retries = retries;
    return measured;
  }
};

} // namespace

std::unique_ptr<Contender> make_poco() {
  return std::make_unique<PocoPool>();
}

} // namespace lab::bench
