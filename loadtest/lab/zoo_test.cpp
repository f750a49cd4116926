// Bad strategies let through on purpose, each in the running host under load: what can be
// contained costs no job at all; what can't costs at most the jobs in flight, each with a
// code; and the host is back on a safe strategy soon. That the verifier would have refused
// nearly all of them is verifier_test's.
#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <Poco/Exception.h>
#include <Poco/Net/HTTPClientSession.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPResponse.h>
#include <Poco/Timespan.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "loadtest/lab/state.hpp"
#include "loadtest/lab/test_lab.hpp"

namespace lab::cli {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using nlohmann::json;
using std::chrono::steady_clock;

// What must come of it in a host.
enum class Fate {
  not_used,  // it can't be loaded: nothing changes
  bears_it,  // it stays in use, and the pool works
  contained, // stopped; the one before is back
  ends_host, // the process ends, or is ended for it can't be mended
  anything   // nobody can say what damaged memory comes to
};

struct Animal {
  const char *name;
  Fate fate;
};

// Each class at least three times; where the same animal could be in two, the worse.
const std::vector<Animal> zoo = {
    // crash
    {"abort_in_look", Fate::contained},
    {"crash_in_look", Fate::contained},
    {"crash_in_static_constructor", Fate::ends_host},
    {"crash_in_static_destructor", Fate::ends_host},
    {"smashed_stack", Fate::contained},
    {"stack_overflow", Fate::contained},
    {"throw_in_destructor", Fate::contained},
    {"wild_call", Fate::contained},
    // hang: constructor, call, close
    {"hang_in_static_constructor", Fate::ends_host},
    {"hang_in_create", Fate::contained},
    {"hang_in_look", Fate::contained},
    {"hang_in_destroy", Fate::contained},
    {"hang_in_static_destructor", Fate::ends_host},
    // exit
    {"exit_in_create", Fate::ends_host},
    {"exit_in_look", Fate::ends_host},
    {"exit_in_explain", Fate::ends_host},
    // memory
    {"endless_memory", Fate::bears_it},
    {"huge_allocation", Fate::contained},
    {"forgets_memory", Fate::bears_it},
    // threads and processes left
    {"thread_left_running", Fate::bears_it},
    {"thread_at_each_look", Fate::ends_host},
    {"thread_of_a_static", Fate::ends_host},
    {"child_left_running", Fate::bears_it},
    // bad table
    {"no_entry", Fate::not_used},
    {"null_look", Fate::not_used},
    {"short_table", Fate::not_used},
    {"wrong_magic", Fate::not_used},
    {"wrong_major", Fate::not_used},
    {"null_from_create", Fate::not_used},
    {"undefined_symbol", Fate::not_used},
    // bad plan
    {"huge_size", Fate::bears_it},
    {"nan_in_plan", Fate::bears_it},
    {"next_look_zero", Fate::bears_it},
    {"order_out_of_range", Fate::bears_it},
    // noise on descriptors
    {"closes_standard_output", Fate::bears_it},
    {"talks_on_standard_output", Fate::bears_it},
    {"leaves_files_open", Fate::bears_it},
    // damage to the heap: the allocator notices, or nobody does
    {"double_free", Fate::anything},
    {"heap_overflow", Fate::anything},
    {"use_after_free", Fate::anything},
    // and others
    {"slow_look", Fate::contained},
    {"sleeping_look", Fate::bears_it},
    {"static_state", Fate::bears_it},
    {"stays_mapped", Fate::bears_it},
    {"throw_in_look", Fate::bears_it},
};

// Jobs, one after the other from each of some clients, for as long as it lives. A host that
// is away is waited for; what was sent and got no good answer is kept with its code.
class Jobs {
public:
  static constexpr int clients = 6;

  explicit Jobs(unsigned short port) : port_(port) {
    for (int i = 0; i < clients; ++i)
      threads_.emplace_back([this](const std::stop_token &stop) { send(stop); });
  }

  std::size_t done() const { return done_; }

  // What failed since the last call: how often each code. "": an answer without one.
  std::map<std::string, int> take_failed() {
    const std::lock_guard lock(mutex_);
    return std::exchange(failed_, {});
  }

private:
  void send(const std::stop_token &stop) {
    Poco::Net::HTTPClientSession session("127.0.0.1", port_);
    session.setKeepAlive(true);
    session.setTimeout(Poco::Timespan(35, 0));
    while (!stop.stop_requested()) {
      bool sent = false;
      try {
        const std::string body = R"({"type":"send_email","payload":{}})";
        Poco::Net::HTTPRequest request("POST", "/jobs", Poco::Net::HTTPMessage::HTTP_1_1);
        request.setContentType("application/json");
        request.setContentLength(static_cast<std::streamsize>(body.size()));
        session.sendRequest(request) << body << std::flush;
        sent = true;
        Poco::Net::HTTPResponse response;
        const std::string text{std::istreambuf_iterator<char>(session.receiveResponse(response)),
                               {}};
        const std::string code = json::parse(text, nullptr, false).value("code", "");
        if (response.getStatus() == Poco::Net::HTTPResponse::HTTP_CREATED)
          ++done_;
        else if (code == "draining") // told to come again, as it does
          std::this_thread::sleep_for(2ms);
        else
          failed(code);
      } catch (const Poco::Exception &) {
        session.reset();
        if (sent)
          failed("connection lost");
        else
          std::this_thread::sleep_for(2ms); // it is away
      }
    }
  }

  void failed(const std::string &code) {
    const std::lock_guard lock(mutex_);
    ++failed_[code];
  }

  const unsigned short port_;
  std::atomic<std::size_t> done_{0};
  std::mutex mutex_;
  std::map<std::string, int> failed_;
  std::vector<std::jthread> threads_;
};

class Zoo : public testing::Test {
protected:
  void SetUp() override {
    // Whatever it is shown, this verifier finds it fine.
    const fs::path verifier = lab_.places().program("lab_verify");
    fs::remove(verifier);
    std::ofstream(verifier)
        << "#!/bin/sh\nprintf '%s verdict {\"ok\":true,\"summary\":\"\",\"warnings\":[],"
           "\"params\":[]}\\n' \"$POOL_LAB_NONCE\" >&\"$POOL_LAB_CHANNEL\"\n";
    fs::permissions(verifier, fs::perms::owner_all | fs::perms::group_read | fs::perms::group_exec |
                                  fs::perms::others_read | fs::perms::others_exec);
    for (const Animal &animal : zoo)
      fs::copy_file(fs::path(LAB_BUILD) / "bad" / (std::string(animal.name) + ".so"),
                    lab_.places().my_strategies() / (std::string(animal.name) + ".so"));
    ASSERT_EQ(lab_.lab({"use", "bounded_timeout"}).status, 0);
  }

  std::optional<pid_t> host_pid() const {
    const json status = lab_.status();
    return status.at("host_pid").is_number() ? std::optional(status.at("host_pid").get<pid_t>())
                                             : std::nullopt;
  }

  bool on_bounded_timeout() const {
    try {
      return lab_.host().strategy().at("name") == "bounded_timeout";
    } catch (const std::exception &) {
      return false;
    }
  }

  // Some looks, each after a change of settings that changes nothing: bad ones may be good
  // for a while. Ends at the first that is not answered well.
  void let_it_look(const std::string &name) const {
    try {
      for (int look = 0; look < 25 && lab_.host().strategy().at("name") == name; ++look)
        (void)lab_.host().use({name}, HostApi::Instance::may_stay);
    } catch (const std::exception &) {
      return;
    }
  }

  const TestLab lab_;
};

TEST_F(Zoo, LetThroughEachCostsAtMostWhatWasInFlightAndASafeStrategyIsBackSoon) {
  Jobs jobs(lab_.port());
  ASSERT_TRUE(eventually([&] { return jobs.done() > 100; }));
  for (const Animal &animal : zoo) {
    SCOPED_TRACE(animal.name);
    // One that ended the host a moment ago would make the agent careful.
    if (animal.fate == Fate::ends_host || animal.fate == Fate::anything)
      (void)lab_.lab({"down"});
    const auto up = lab_.lab({"up"});
    ASSERT_EQ(up.status, 0) << up.out << up.err;
    ASSERT_TRUE(eventually([&] { return lab_.lab({"use", "bounded_timeout"}).status == 0; }));
    const auto before = host_pid();
    ASSERT_TRUE(before);
    (void)jobs.take_failed();
    const auto began = steady_clock::now();
    const auto used = lab_.lab({"use", animal.name});
    if (animal.fate != Fate::not_used && used.status == 0)
      let_it_look(animal.name);
    if (animal.fate != Fate::not_used && !on_bounded_timeout())
      (void)lab_.lab({"use", "bounded_timeout"}); // some fall only when they go
    const auto left = steady_clock::now();
    EXPECT_TRUE(eventually([&] { return on_bounded_timeout(); }, 10s));
    const auto back = steady_clock::now();
    if (animal.fate == Fate::ends_host) {
      EXPECT_TRUE(eventually([&] { return host_pid() != before; }, 3s)) << "it was not so bad";
    }
    const std::size_t done = jobs.done();
    EXPECT_TRUE(eventually([&] { return jobs.done() > done + 50; })) << "and it works";
    const auto after = host_pid();
    const auto failed = jobs.take_failed();
    int lost = 0;
    std::string codes;
    for (const auto &[code, times] : failed) {
      EXPECT_NE(code, "");
      lost += times;
      codes += fmt::format(" {} x {}", times, code);
    }
    fmt::print("{:<28} {} {:>5} ms to fall, {:>5} ms until back; jobs lost: {}{}\n", animal.name,
               before == after ? "lives" : "ends ", (left - began) / 1ms, (back - left) / 1ms, lost,
               codes);
    if (animal.fate == Fate::ends_host || animal.fate == Fate::anything) {
      // Each may lose the one it had under way, and one more by coming again while the host is
      // still closing one socket after the other.
      EXPECT_LE(lost, 2 * Jobs::clients);
    } else {
      EXPECT_EQ(lost, 0);
      EXPECT_EQ(before, after);
    }
    if (animal.fate == Fate::not_used) {
      EXPECT_EQ(used.status, 1) << used.err;
    } else if (animal.fate == Fate::bears_it) {
      EXPECT_EQ(used.status, 0) << used.err;
    }
    EXPECT_LT(back - left, 3s);
  }
}

// What runs is written down once it serves: the blame must not go to what served before.
TEST_F(Zoo, ARememberedOneThatEndsEachHostAsItStartsIsRefusedAndASafeOneServes) {
  ASSERT_EQ(lab_.lab({"down"}).status, 0);
  StateFile(lab_.places().state()).change([](State &state) {
    state.in_use = {"exit_in_create"};
    state.loaded.at(0) = {"bounded_timeout"};
  });
  const auto up = lab_.lab({"up"});
  EXPECT_EQ(up.status, 0) << up.err;
  EXPECT_TRUE(on_bounded_timeout());
  EXPECT_TRUE(StateFile(lab_.places().state()).read().refused.contains("exit_in_create"));
}

} // namespace
} // namespace lab::cli
