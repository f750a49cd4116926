#include "loadtest/lab/forwarding.hpp"

#include <cstdlib>
#include <regex>

#include <fmt/format.h>

namespace lab::cli {
namespace {

constexpr std::string_view port_here = "{{port}}";

// A name for each port. Where the port stands in the path, all ports and the editor itself
// share one origin: that is for the learner to allow, not for us.
bool is_good(const std::string &origins) {
  static const std::regex good(R"(https://[A-Za-z0-9.-]*\{\{port\}\}[A-Za-z0-9.-]*(:[0-9]{1,5})?)");
  return std::regex_match(origins, good);
}

} // namespace

Environment own_environment() {
  return [](const std::string &name) -> std::optional<std::string> {
    const char *value = std::getenv(name.c_str());
    return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
  };
}

std::string forwarded_origins(const Environment &environment) {
  // GitHub Codespaces.
  if (const auto name = environment("CODESPACE_NAME"); name && !name->empty()) {
    const auto domain = environment("GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN");
    const auto origins =
        fmt::format("https://{}-{}.{}", *name, port_here,
                    domain && !domain->empty() ? *domain : std::string("app.github.dev"));
    return is_good(origins) ? origins : "";
  }
  // VS Code in a browser, and its kin.
  std::string origins = environment("VSCODE_PROXY_URI").value_or("");
  if (origins.ends_with('/'))
    origins.pop_back();
  return is_good(origins) ? origins : "";
}

std::string forwarded_origin(const std::string &origins, unsigned short port) {
  std::string one = origins;
  if (const auto at = one.find(port_here); at != std::string::npos)
    one.replace(at, port_here.size(), std::to_string(port));
  return one;
}

} // namespace lab::cli
