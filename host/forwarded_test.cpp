// A browser editor forwards the host's port under a name of its own, and rewrites headers
// on the way: Codespaces, for one, makes an Origin of its own name into localhost's, and
// leaves or rewrites Host. All such requests are served; foreign ones stay out.
#include "host/test_host.hpp"

#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace lab::host {
namespace {

const std::string editor = "fluffy-disco-x7-3000.app.github.dev";

TestHost &host() {
  static TestHost the_host({}, "bounded_timeout",
                           {"--allow-origin", fmt::format("https://{}", editor)});
  return the_host;
}

struct Sent {
  const char *what;
  std::string host;
  std::string origin = ""; // no header when empty
  std::string fetch_site = "";
};

Reply send(const Sent &sent, const std::string &line, const std::string &body = "") {
  std::string headers = fmt::format("Host: {}\r\nX-Forwarded-Proto: https\r\n"
                                    "X-Forwarded-Host: {}\r\nX-Forwarded-For: 203.0.113.7\r\n"
                                    "X-Original-Host: {}\r\n",
                                    sent.host, editor, editor);
  if (!sent.origin.empty())
    headers += fmt::format("Origin: {}\r\n", sent.origin);
  if (!sent.fetch_site.empty())
    headers += fmt::format("Sec-Fetch-Site: {}\r\n", sent.fetch_site);
  if (!body.empty())
    headers += fmt::format("Content-Type: application/json\r\nContent-Length: {}\r\n", body.size());
  return send_raw(host().port(), fmt::format("{} HTTP/1.1\r\n{}\r\n{}", line, headers, body));
}

Reply change(const Sent &sent) {
  return send(sent, "POST /jobs", R"({"type":"send_email"})");
}

TEST(Forwarded, WhatAnEditorSendsIsServed) {
  const std::string local = fmt::format("localhost:{}", host().port());
  const std::string own = fmt::format("https://{}", editor);
  for (const Sent &sent : std::vector<Sent>{
           {"Host rewritten, Origin as it was", local, own, "same-origin"},
           {"the same, from a browser that says no more", local, own},
           {"Host and Origin rewritten", local, fmt::format("http://{}", local), "same-origin"},
           {"Origin rewritten, to https", local, fmt::format("https://{}", local), "same-origin"},
           {"Origin rewritten, Host as it was", editor, fmt::format("http://{}", local),
            "same-origin"},
           {"the same, to another port's", editor, "http://localhost:3000", "same-origin"},
           {"neither rewritten", editor, own, "same-origin"},
           {"with the port of https", fmt::format("{}:443", editor), own, "same-origin"},
           {"a program", local}})
    EXPECT_EQ(change(sent).status, 201) << sent.what;
}

TEST(Forwarded, ThePageAndItsEventsAreServed) {
  for (const std::string &name : {editor, fmt::format("127.0.0.1:{}", host().port())}) {
    // Typed into the address bar, or clicked in the editor.
    for (const char *site : {"none", "cross-site", "same-origin"}) {
      const Reply reply = send({"", name, "", site}, "GET /health");
      EXPECT_EQ(reply.status, 200) << name << " " << site;
    }
    const Reply events = send_raw(
        host().port(), fmt::format("GET /api/v1/events HTTP/1.1\r\nHost: {}\r\nAccept: "
                                   "application/json\r\nSec-Fetch-Site: same-origin\r\n\r\n",
                                   name));
    EXPECT_EQ(events.status, 200) << name;
    EXPECT_TRUE(events.json().contains("next"));
  }
}

TEST(Forwarded, ForeignOnesAreRefused) {
  const std::string local = fmt::format("localhost:{}", host().port());
  const std::string own = fmt::format("https://{}", editor);
  for (const Sent &sent : std::vector<Sent>{
           {"another site's page", local, "https://evil.example", "cross-site"},
           {"the same, in an old browser", local, "https://evil.example"},
           {"somebody else's codespace", local, "https://other-3000.app.github.dev", "cross-site"},
           {"the same, in an old browser", editor, "https://other-3000.app.github.dev"},
           {"another port of this one", local, "https://fluffy-disco-x7-8080.app.github.dev",
            "same-site"},
           {"the right name by http", editor, fmt::format("http://{}.evil.example", editor)},
           {"a frame without origin", local, "null", "cross-site"},
           {"an allowed Origin that the browser calls foreign", local, own, "cross-site"},
           {"Host of another codespace", "other-3000.app.github.dev", own, "same-origin"},
           {"Host that was made to point here", "evil.example", "http://evil.example",
            "same-origin"},
           {"Host that begins alike", fmt::format("{}.evil.example", editor), own,
            "same-origin"}}) {
    const Reply reply = change(sent);
    EXPECT_EQ(reply.status, 403) << sent.what;
    EXPECT_EQ(reply.code(), "forbidden") << sent.what;
  }
  // Who was forwarded says so himself: it lets nobody in. Reading is refused as well.
  EXPECT_EQ(send({"", "evil.example"}, "GET /jobs/stats").code(), "forbidden");
}

} // namespace
} // namespace lab::host
