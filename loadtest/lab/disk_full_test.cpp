// A disk with no space left, before the first start and in the middle of work: one
// line says which and what to do, nothing is damaged, and with space it works.
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <Poco/Net/HTTPClientSession.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPResponse.h>

#include "loadtest/lab/files.hpp"
#include "loadtest/lab/load_lock.hpp"
#include "loadtest/lab/state.hpp"
#include "loadtest/lab/test_home.hpp"

namespace lab::cli {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using nlohmann::json;
using testing::HasSubstr;

class DiskFull : public testing::Test {
protected:
  void SetUp() override {
    if (!is_root())
      GTEST_SKIP() << "a small file system needs root";
  }
  TestFolder folder_;
};

TEST_F(DiskFull, ALabThatFindsNoRoomSaysSoAndStartsWhenThereIs) {
  const TestDisk disk(folder_.path() / "home", 15);
  const TestHome home(folder_.path() / "home", folder_.path() / "work");
  for (const int megabytes : {15, 35}) { // at once; and in the middle of making a cluster
    disk.resize(megabytes);
    const auto said = home.up();
    EXPECT_EQ(said.status, 64);
    EXPECT_TRUE(is_one_line(said.err)) << said.err;
    EXPECT_THAT(said.err, HasSubstr((folder_.path() / "home").string()));
    EXPECT_THAT(said.err, HasSubstr("free some")) << megabytes;
  }
  disk.resize(400);
  const auto up = home.up();
  EXPECT_EQ(up.status, 0) << up.err;
  EXPECT_EQ(home.lab({"status"}).status, 0);
}

// What the host answers to a job with `bytes` of payload: 201, or a code.
std::string submit(unsigned short port, std::size_t bytes) {
  Poco::Net::HTTPClientSession session("127.0.0.1", port);
  session.setTimeout(Poco::Timespan(20, 0));
  static unsigned number = 0;
  std::string noise; // that can't be packed
  while (noise.size() < bytes)
    noise += fmt::format("{:08x}", (++number) * 2654435761U);
  const std::string body = json{{"type", "send_email"}, {"payload", {{"noise", noise}}}}.dump();
  Poco::Net::HTTPRequest request("POST", "/jobs", "HTTP/1.1");
  request.setContentType("application/json");
  request.setContentLength(static_cast<std::streamsize>(body.size()));
  session.sendRequest(request) << body;
  Poco::Net::HTTPResponse response;
  std::istream &answer = session.receiveResponse(response);
  const std::string text{std::istreambuf_iterator<char>(answer), {}};
  if (response.getStatus() == 201)
    return "201";
  return json::parse(text).value("code", text);
}

TEST_F(DiskFull, OneThatFillsWhileTheLabRunsFailsJobsWithCodesAndIsMended) {
  const TestDisk disk(folder_.path() / "home", 200);
  const TestHome home(folder_.path() / "home", folder_.path() / "work");
  ASSERT_EQ(home.up().status, 0);
  disk.fill();
  std::string code = "201";
  for (int i = 0; i < 2000 && code == "201"; ++i)
    code = submit(home.port(), 60'000);
  EXPECT_THAT(code,
              testing::AnyOf("query_failed", "db_unavailable", "outcome_unknown", "pool_timeout"));
  const auto status = home.lab({"status"});
  EXPECT_EQ(status.status, 1);
  EXPECT_THAT(status.out, HasSubstr("is full"));
  const auto again = home.lab({"up"});
  EXPECT_EQ(again.status, 64);
  EXPECT_TRUE(is_one_line(again.err)) << again.err;
  disk.free();
  const auto up = home.lab({"up"});
  ASSERT_EQ(up.status, 0) << up.err;
  std::string late;
  for (int i = 0; i < 200 && late != "201"; ++i) { // the pool connects again by and by
    late = submit(home.port(), 10);
    std::this_thread::sleep_for(50ms);
  }
  EXPECT_EQ(late, "201");
  EXPECT_EQ(home.lab({"status"}).status, 0) << home.lab({"status"}).out;
}

TEST_F(DiskFull, ARunThatCannotBeRecordedIsToldAndDamagesNothing) {
  const TestDisk disk(folder_.path() / "work", 40);
  const TestHome home(folder_.path() / "home", folder_.path() / "work");
  ASSERT_EQ(home.up().status, 0);
  ASSERT_EQ(home.lab({"use", "bounded_timeout"}).status, 0);
  db::Launch how{.argv = {home.places().program("lab"), "load", "hold", "--seconds", "2"},
                 .environment = home.places().environment()};
  const auto errors = folder_.path() / "errors";
  how.out = db::Output::discarded();
  how.err = db::Output::appended_to(errors);
  db::Child load(how);
  while (!LoadLock::owner(home.places().load_lock()))
    ASSERT_FALSE(load.wait_for(10ms));
  disk.fill();
  const auto end = load.wait_for(60s);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->status, 64);
  const std::string said = text_of_file(errors).value_or("");
  EXPECT_THAT(said, HasSubstr("No space left"));
  EXPECT_THAT(said, HasSubstr("free some"));
  EXPECT_FALSE(LoadLock::owner(home.places().load_lock()));
  EXPECT_EQ(StateFile(home.places().state()).read().in_use.name, "bounded_timeout");

  const auto refused = home.lab({"load", "hold", "--seconds", "1"});
  EXPECT_EQ(refused.status, 64);
  EXPECT_TRUE(is_one_line(refused.err)) << refused.err;
  EXPECT_THAT(refused.err, HasSubstr((folder_.path() / "work").string()));
  disk.fill();
  EXPECT_EQ(home.lab({"use", "adaptive"}).status, 64) << "it could not be remembered";
  EXPECT_EQ(StateFile(home.places().state()).read().in_use.name, "bounded_timeout");
  disk.free();
  EXPECT_THAT(home.lab({"load", "hold", "--seconds", "1", "--warm-up", "0"}).status,
              testing::AnyOf(0, 2)); // invalid, when others need the processor
}

} // namespace
} // namespace lab::cli
