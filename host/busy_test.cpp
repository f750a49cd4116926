// A host with more requests in flight than it carries: work is refused, what may be the cure is
// not.
#include "host/test_host.hpp"
#include "host/test_silent_client.hpp"
#include "host/test_waiting.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace lab::host {
namespace {

const std::string job = R"({"type":"send_email"})";

TEST(BusyHost, RefusesWorkAndTakesWhatMayBeTheCure) {
  const TestHost host({}, "bounded_timeout",
                      {"--set", "max_waiting=1000", "--set", "wait_ms=60000"});
  ASSERT_EQ(host.http("PUT", "/api/v1/pool", R"({"paused":true})").status, 200);
  std::vector<SilentClient> clients;
  for (int i = 0; i < 600; ++i)
    clients.emplace_back(host, job);
  ASSERT_TRUE(comes_true([&] {
    clients.emplace_back(host, job); // a look at the host takes a place, too, for a moment
    return host.http("POST", "/jobs", job, "Request-Timeout-Ms: 100\r\n").code() == "host_busy";
  }));

  const Reply swap =
      host.http("PUT", "/api/v1/strategy", R"({"name":"bounded_timeout","params":{"max":8}})");
  EXPECT_EQ(swap.status, 200) << swap.body;
  EXPECT_EQ(host.http("POST", "/lab/faults", R"({"clear":true})").status, 200);
  EXPECT_EQ(host.http("POST", "/api/v1/pool/reclaim", "{}").status, 200);
  const Reply resume = host.http("PUT", "/api/v1/pool", R"({"paused":false})");
  EXPECT_EQ(resume.status, 200) << resume.body;
  EXPECT_TRUE(comes_true([&] { return host.http("POST", "/jobs", job).status == 201; }));
}

} // namespace
} // namespace lab::host
