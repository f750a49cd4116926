#include "loadtest/request_text.hpp"

#include <fmt/format.h>

namespace lab::load {
namespace {

struct Asked {
  std::string_view method;
  std::string_view path;
  std::string body;
};

constexpr std::array<std::string_view, 5> job_types{"image_resize", "send_email", "generate_report",
                                                    "process_payment", "sync_inventory"};

// How many a route has: a choice's variant is below.
std::size_t variants_of(Route route, std::size_t holds) {
  switch (route) {
  case Route::submit_job:
    return job_types.size();
  case Route::contend:
    return 1 + most_rows;
  case Route::hold_submit:
  case Route::hold_claim:
    return holds;
  default:
    return 1;
  }
}

Asked asked(const Profile &profile, const std::vector<std::chrono::milliseconds> &holds,
            Route route, std::size_t variant) {
  switch (route) {
  case Route::submit_job:
    return {"POST", "/jobs",
            fmt::format(R"({{"type":"{}","payload":{{"source":"lab","size":{}}},"priority":{}}})",
                        job_types[variant], 100 * (variant + 1), variant)};
  case Route::next_job:
    return {"GET", "/jobs/next", ""};
  case Route::job_stats:
    return {"GET", "/jobs/stats", ""};
  case Route::hold_submit:
    return {"POST", "/lab/hold",
            fmt::format(R"({{"kind":"submit","hold_ms":{}}})", holds[variant].count())};
  case Route::hold_claim:
    return {"POST", "/lab/hold",
            fmt::format(R"({{"kind":"claim","hold_ms":{}}})", holds[variant].count())};
  case Route::contend:
    return {"POST", "/lab/contend",
            fmt::format(R"({{"rows":{},"row":{}}})", profile.rows, variant)};
  case Route::touch:
    return {"POST", "/lab/touch", R"({"rows":1000})"};
  }
  return {"GET", "/", ""};
}

} // namespace

RequestTexts::RequestTexts(const Profile &profile, const std::vector<unsigned short> &ports)
    : texts_(ports.size()) {
  const std::string deadline =
      profile.deadline.count() > 0
          ? fmt::format("Request-Timeout-Ms: {}\r\n", profile.deadline.count())
          : "";
  const std::vector<std::chrono::milliseconds> holds = profile.holds();
  for (std::size_t port = 0; port < ports.size(); ++port)
    for (std::size_t route = 0; route < route_count; ++route)
      for (std::size_t variant = 0; variant < variants_of(static_cast<Route>(route), holds.size());
           ++variant) {
        const Asked request = asked(profile, holds, static_cast<Route>(route), variant);
        const std::string content = request.body.empty()
                                        ? ""
                                        : fmt::format("Content-Type: application/json\r\n"
                                                      "Content-Length: {}\r\n",
                                                      request.body.size());
        texts_[port][route].push_back(
            fmt::format("{} {} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n{}{}\r\n{}", request.method,
                        request.path, ports[port], content, deadline, request.body));
      }
}

std::string api_request(std::string_view path, unsigned short port) {
  return fmt::format("GET {} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nAccept: application/json\r\n\r\n",
                     path, port);
}

} // namespace lab::load
