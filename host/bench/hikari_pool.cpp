// HikariCP in a Java virtual machine of its own, started once. A slice is ordered by a
// line down a pipe and answered by a line of JSON; the threads, the clock and the stop
// are the machine's (hikari/Slices.java), so the pipe is no part of what is measured.
#include <cerrno>
#include <csignal>
#include <cstring>
#include <stdexcept>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "db/child.hpp"
#include "host/bench/contender.hpp"

namespace lab::bench {
namespace {

using namespace std::chrono_literals;

const char *word_of(Record record) {
  switch (record) {
  case Record::nothing:
    return "nothing";
  case Record::waits:
    return "waits";
  case Record::moments:
    return "moments";
  }
  return "";
}

class HikariPool : public Contender {
public:
  ~HikariPool() override {
    if (!java_)
      return;
    ::close(orders_); // the end of its orders ends it
    if (!java_->wait_for(5s))
      java_->send(SIGKILL);
  }

  std::string name() const override { return "hikari"; }
  // The compiler of the virtual machine needs that long to be done with a kind of slice.
  std::chrono::milliseconds warm_up() const override { return 2s; }

  Measured run(const Slice &slice) override {
    if (!java_)
      start();
    const std::string order =
        fmt::format("{} {} {} {} {}\n", slice.connections, slice.threads, slice.length.count(),
                    slice.hold.count(), word_of(slice.record));
    if (::write(orders_, order.data(), order.size()) != static_cast<ssize_t>(order.size()))
      throw std::runtime_error("HikariCP's process has gone");
    const auto line = java_->line(slice.length + 60s);
    if (!line)
      throw std::runtime_error("HikariCP did not answer");
    return read(*line);
  }

private:
  void start() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) < 0)
      throw std::runtime_error(fmt::format("no pipe for Java: {}", std::strerror(errno)));
    orders_ = ends[1];
    db::Launch launch;
    launch.argv = {POOL_LAB_JAVA, "-Xms256m", "-Xmx256m", "-cp", POOL_LAB_HIKARI_CLASS_PATH,
                   "Slices",      "/dev/fd/3"};
    launch.pass = {{ends[0], 3}};
    launch.out = db::Output::captured();
    java_ = std::make_unique<db::Child>(launch);
    ::close(ends[0]);
    const auto line = java_->line(30s);
    if (line != "ready")
      throw std::runtime_error(
          fmt::format("HikariCP did not start: {}", line.value_or("no answer within 30 s")));
  }

  static Measured read(const std::string &line) {
    using std::chrono::nanoseconds;
    const nlohmann::json answer = nlohmann::json::parse(line, nullptr, false);
    if (answer.is_discarded())
      throw std::runtime_error("HikariCP's process says: " + line);
    Measured measured;
    measured.took = nanoseconds(answer.at("took").get<std::int64_t>());
    measured.operations = answer.at("operations").get<std::vector<std::uint64_t>>();
    for (const auto &bucket : answer.at("waits"))
      measured.waits.record(nanoseconds(bucket.at(0).get<std::int64_t>()),
                            bucket.at(1).get<std::uint64_t>());
    for (const auto &moment : answer.at("moments")) {
      measured.moments.push_back({nanoseconds(moment.at(0).get<std::int64_t>()),
                                  nanoseconds(moment.at(1).get<std::int64_t>())});
      measured.waits.record(measured.moments.back().got - measured.moments.back().asked);
    }
    return measured;
  }

  int orders_ = -1;
  std::unique_ptr<db::Child> java_;
};

} // namespace

std::unique_ptr<Contender> make_hikari() {
  return std::make_unique<HikariPool>();
}

} // namespace lab::bench
