// One request, read and checked, as a route sees it. [the thread that serves it]
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "host/pool/time.hpp"
#include "host/waiting_callers.hpp"

namespace lab::host {

struct Call {
  std::string method;
  std::string path;      // without the query
  std::string query;     // what stands behind the ?
  std::string parameter; // what stood in the place of `:id`
  std::string body;
  std::string content_type;
  std::string origin;
  std::string fetch_site; // Sec-Fetch-Site
  std::string host;
  std::string accept;
  std::string last_event_id; // of server-sent events: the last one seen
  Caller caller{};           // for as long as the call is served
  pool::Time received{};
  pool::Time deadline{}; // received + Request-Timeout-Ms

  // What the pool did for it, for Server-Timing and the metrics.
  bool dealt_with_pool = false;
  bool held_connection = false;
  pool::Duration waited{};
  pool::Duration held{};
};

// The body as a JSON object: Problem 400 when it isn't one, or is nested
// deeper than 32 levels. No body is an empty object.
nlohmann::json json_object(const Call &call);

} // namespace lab::host
