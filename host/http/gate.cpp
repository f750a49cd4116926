#include "host/http/gate.hpp"

#include <algorithm>

#include "host/http/answer.hpp"

namespace lab::host {
namespace {

std::string_view without_port(std::string_view host) {
  const std::size_t colon = host.rfind(':');
  const std::size_t bracket = host.rfind(']'); // [::1]:3000
  if (colon == std::string_view::npos || (bracket != std::string_view::npos && colon < bracket))
    return host;
  return host.substr(0, colon);
}

std::string_view without_scheme(std::string_view origin) {
  const std::size_t at = origin.find("://");
  return at == std::string_view::npos ? origin : origin.substr(at + 3);
}

} // namespace

void Gate::check(const Call &call, bool changes) const {
  // Against DNS rebinding: a foreign name that was made to point here.
  if (!allowed_host(call.host))
    throw Problem::forbidden("this Host is not allowed; use localhost, or --allow-origin");
  if (!changes)
    return;
  if (!allowed_origin(call))
    throw Problem::forbidden(
        "this Origin is not allowed; use the lab's own page, or --allow-origin");
  if (!call.fetch_site.empty() && call.fetch_site != "same-origin")
    throw Problem::forbidden("requests from other sites are not allowed");
  if (!call.body.empty()) {
    const std::string_view type =
        std::string_view(call.content_type).substr(0, call.content_type.find(';'));
    if (type != "application/json")
      throw Problem::unsupported_media_type("the body's Content-Type must be application/json");
  }
}

bool Gate::allowed_host(std::string_view host) const {
  const std::string_view name = without_port(host);
  if (name == "localhost" || name == "127.0.0.1" || name == "[::1]")
    return true;
  return std::any_of(origins_.begin(), origins_.end(), [&](const std::string &origin) {
    return without_scheme(origin) == host || without_port(without_scheme(origin)) == name;
  });
}

bool Gate::allowed_origin(const Call &call) const {
  if (call.origin.empty() || std::count(origins_.begin(), origins_.end(), call.origin) > 0)
    return true;
  // A forwarding editor rewrites Origin but not Host; the browser's own word is better.
  if (call.fetch_site == "same-origin")
    return true;
  return without_scheme(call.origin) == call.host;
}

} // namespace lab::host
