// PUT /api/v1/settings: what the settings file says is in force at once, under
// what was stated by name; and what can't be changes nothing.
#include "host/test_host.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lab::host {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class Settings : public ::testing::Test {
protected:
  Reply put(const json &body) const { return host_.http("PUT", "/api/v1/settings", body.dump()); }
  json get(const std::string &what) const { return host_.http("GET", "/api/v1/" + what).json(); }
  json use(const json &body) const {
    return host_.http("PUT", "/api/v1/strategy", body.dump()).json();
  }

  const TestHost host_;
};

TEST_F(Settings, AreInForceAtOnceWithoutASwap) {
  const json before = get("strategy");
  const json settings = {{"bounded_timeout", {{"max", 17}}}, {"fixed_tiny", {{"max", 5}}}};
  const Reply reply = put({{"settings", settings}, {"problem", nullptr}});
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.json(), json({{"settings", settings}, {"problem", nullptr}}));
  EXPECT_EQ(get("settings"), reply.json());
  EXPECT_EQ(get("pool")["plan"]["max_in_use"], 17);
  EXPECT_EQ(get("strategy")["generation"], before["generation"]);
  EXPECT_EQ(get("strategy")["params"]["max"], 17);
  EXPECT_EQ(get("strategy")["set"], json::object());

  EXPECT_EQ(use({{"name", "fixed_tiny"}})["params"]["max"], 5);
  EXPECT_EQ(get("pool")["plan"]["max_in_use"], 5);
  // What isn't stated any more is back to its default.
  ASSERT_EQ(put({{"settings", json::object()}}).status, 200);
  EXPECT_EQ(get("pool")["plan"]["max_in_use"], 3);
}

TEST_F(Settings, WhatIsStatedByNameGoesOverThemUntilTheyAreSaved) {
  const json settings = {{"fixed_tiny", {{"max", 30}, {"wait_ms", 90}}}};
  ASSERT_EQ(put({{"settings", settings}}).status, 200);
  const json fresh = {{"name", "fixed_tiny"}, {"params", {{"max", 7}}}, {"fresh", true}};
  EXPECT_EQ(use(fresh)["params"], json({{"max", 7}, {"wait_ms", 90}}));
  EXPECT_EQ(get("strategy")["set"], json({{"max", 7}}));
  use({{"name", "fixed_tiny"}, {"params", {{"wait_ms", 50}}}});
  EXPECT_EQ(get("strategy")["set"], json({{"max", 7}, {"wait_ms", 50}}));

  ASSERT_EQ(put({{"settings", {{"fixed_tiny", {{"max", 31}}}}}, {"keep_set", true}}).status, 200);
  EXPECT_EQ(get("strategy")["params"], json({{"max", 7}, {"wait_ms", 50}}));
  ASSERT_EQ(put({{"settings", settings}}).status, 200);
  EXPECT_EQ(get("strategy")["params"], json({{"max", 30}, {"wait_ms", 90}}));
  EXPECT_EQ(get("strategy")["set"], json::object());
  // A swap to another strategy takes nothing of it along.
  use({{"name", "fixed_tiny"}, {"params", {{"max", 8}}}});
  use({{"name", "fixed_huge"}});
  EXPECT_EQ(get("strategy")["set"], json::object());
}

TEST_F(Settings, AProblemAloneIsShownAndChangesNothing) {
  ASSERT_EQ(put({{"settings", {{"bounded_timeout", {{"max", 17}}}}}}).status, 200);
  EXPECT_TRUE(get("pool")["settings_problem"].is_null());
  use({{"name", "bounded_timeout"}, {"params", {{"max_waiting", 9}}}});
  ASSERT_EQ(put({{"problem", "line 3: no\n\x1b[2J"}}).status, 200);
  EXPECT_EQ(get("pool")["settings_problem"], "line 3: no \\x1B[2J") << "one line, harmless";
  EXPECT_EQ(get("settings")["settings"]["bounded_timeout"]["max"], 17);
  EXPECT_EQ(get("strategy")["params"]["max"], 17);
  EXPECT_EQ(get("strategy")["set"], json({{"max_waiting", 9}}));
  ASSERT_EQ(put({{"settings", json::object()}}).status, 200);
  EXPECT_TRUE(get("pool")["settings_problem"].is_null());
}

TEST_F(Settings, WhatCannotBeIsRefusedAndChangesNothing) {
  const json good = {{"bounded_timeout", {{"max", 17}}}};
  ASSERT_EQ(put({{"settings", good}}).status, 200);
  const json before = get("strategy");
  const auto with = [](const char *strategy, const json &table) {
    return json{{"settings", {{"bounded_timeout", {{"max", 99}}}, {strategy, table}}}}.dump();
  };
  for (const std::string &body :
       {std::string("{}"), std::string("[]"), std::string("hello"),
        std::string(R"({"settings":7})"), std::string(R"({"settings":null})"),
        std::string(R"({"problem":7})"), std::string(R"({"settings":{},"problem":["x"]})"),
        std::string(R"({"settings":{},"keep_set":1})"), with("fixed_tiny", 3),
        with("fixed_tiny", {{"max", "many"}}), with("fixed_tiny", {{"max", 5000}}),
        with("fixed_tiny", {{"max", 2.5}}), with("fixed_tiny", {{"colour", 1}}),
        with("fixed_tiny", {{"max", nullptr}}), with("nobody", json::object()),
        with("../../bin/sh", json::object()),
        std::string(R"({"settings":{"bounded_timeout":{"max":5000}}})")}) {
    const Reply reply = host_.http("PUT", "/api/v1/settings", body);
    EXPECT_EQ(reply.status, 400) << body;
    EXPECT_EQ(reply.code(), "bad_request") << body;
  }
  EXPECT_EQ(get("settings")["settings"], good);
  EXPECT_EQ(get("strategy"), before);
}

TEST_F(Settings, AForeignSiteIsRefused) {
  const std::string body = R"({"settings":{}})";
  EXPECT_EQ(host_.http("PUT", "/api/v1/settings", body, "Sec-Fetch-Site: cross-site\r\n").status,
            403);
  EXPECT_EQ(host_.http("PUT", "/api/v1/settings", body, "Origin: https://evil.example\r\n").status,
            403);
}

TEST(SettingsAtTheStart, AreReadFromTheFileAndADamagedOneCostsNothing) {
  char made[] = "/tmp/pool-lab-settings-XXXXXX";
  const fs::path folder = ::mkdtemp(made);
  const fs::path file = folder / "settings.json";
  const auto params = [&](const std::string &content) {
    std::ofstream(file) << content;
    const TestHost host({}, "bounded_timeout", {"--settings", file, "--set", "max_waiting=9"});
    const json pool = host.http("GET", "/api/v1/pool").json();
    json all = host.http("GET", "/api/v1/strategy").json()["params"];
    all.erase("wait_ms");
    all["problem"] = pool["settings_problem"];
    return all;
  };
  EXPECT_EQ(params(R"({"settings":{"bounded_timeout":{"max":17,"max_waiting":8}},"problem":"p"})"),
            json({{"max", 17}, {"max_waiting", 9}, {"problem", "p"}}));
  // Checked when it was saved, but a build made since then may be another: what
  // doesn't fit is left out.
  EXPECT_EQ(params(R"({"settings":{"bounded_timeout":{"max":17,"gone":1}},"problem":null})"),
            json({{"max", 17}, {"max_waiting", 9}, {"problem", nullptr}}));
  for (const char *damaged : {"", "{", "[]", R"({"settings":3})"})
    EXPECT_EQ(params(damaged), json({{"max", 10}, {"max_waiting", 9}, {"problem", nullptr}}));
  fs::remove_all(folder);
}

} // namespace
} // namespace lab::host
