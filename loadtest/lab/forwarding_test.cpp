// What browser editors say of the ports that they forward, and what is made of it.
#include "loadtest/lab/forwarding.hpp"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loadtest/lab/state.hpp"

namespace lab::cli {
namespace {

using testing::ElementsAre;

std::string said(const std::map<std::string, std::string> &environment) {
  return forwarded_origins([&](const std::string &name) -> std::optional<std::string> {
    const auto found = environment.find(name);
    return found == environment.end() ? std::nullopt : std::optional(found->second);
  });
}

TEST(Forwarding, NobodyForwardsOnAnOrdinaryMachine) {
  EXPECT_EQ(said({}), "");
  EXPECT_EQ(said({{"CODESPACE_NAME", ""}, {"VSCODE_PROXY_URI", ""}}), "");
  // The domain alone is no name.
  EXPECT_EQ(said({{"GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN", "app.github.dev"}}), "");
}

TEST(Forwarding, ACodespaceHasANameForEachPort) {
  const auto origins = said({{"CODESPACE_NAME", "fluffy-disco-x7"},
                             {"GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN", "app.example"}});
  EXPECT_EQ(forwarded_origin(origins, 3000), "https://fluffy-disco-x7-3000.app.example");
  EXPECT_EQ(forwarded_origin(origins, 3001), "https://fluffy-disco-x7-3001.app.example");
  EXPECT_EQ(forwarded_origin(said({{"CODESPACE_NAME", "fluffy-disco-x7"}}), 3000),
            "https://fluffy-disco-x7-3000.app.github.dev");
}

TEST(Forwarding, OtherEditorsSayItInOneVariable) {
  const auto origins = said({{"VSCODE_PROXY_URI", "https://{{port}}--main--me.coder.example/"}});
  EXPECT_EQ(forwarded_origin(origins, 3000), "https://3000--main--me.coder.example");
}

TEST(Forwarding, WhatIsNoOriginOfAPortIsNotAllowed) {
  for (const char *name : {"a.b/c", "evil.example/", "x@y", "a b", "{{port}}"})
    EXPECT_EQ(said({{"CODESPACE_NAME", name}}), "") << name;
  for (const char *domain : {"evil.example/x", "evil.example#", "a:b@c"})
    EXPECT_EQ(said({{"CODESPACE_NAME", "x"}, {"GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN", domain}}),
              "")
        << domain;
  for (const char *uri : {"./proxy/{{port}}", "https://editor.example/proxy/{{port}}/",
                          "http://{{port}}.editor.example", "https://editor.example", "{{port}}"})
    EXPECT_EQ(said({{"VSCODE_PROXY_URI", uri}}), "") << uri;
}

TEST(Forwarding, EachHostAllowsItsOwnPort) {
  State state;
  state.port = 3100;
  state.origins = {"https://lab.example"};
  EXPECT_THAT(state.origins_of(0), ElementsAre("https://lab.example"));
  state.forwarded = said({{"CODESPACE_NAME", "x"}});
  EXPECT_THAT(state.origins_of(0),
              ElementsAre("https://lab.example", "https://x-3100.app.github.dev"));
  EXPECT_THAT(state.origins_of(1),
              ElementsAre("https://lab.example", "https://x-3101.app.github.dev"));
}

} // namespace
} // namespace lab::cli
