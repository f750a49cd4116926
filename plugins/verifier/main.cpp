// lab_verify LIBRARY: tries one library and says what it thinks of it.
//
// Typed by a person, it starts itself again as the process that is tried in, and
// prints the verdict. Started by verify(), which sets the channel's variables, it
// is that process: it limits itself, runs the trial and sends the verdict up the
// channel. Its exit status says nothing then: a library can exit too.

#include <csignal>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <string>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "plugins/verifier/channel.hpp"
#include "plugins/verifier/last_words.hpp"
#include "plugins/verifier/trial.hpp"
#include "plugins/verifier/verify.hpp"

namespace {

using namespace lab::plugin;

void limit(int resource, rlim_t soft, rlim_t hard) {
  const rlimit value{soft, hard};
  ::setrlimit(static_cast<__rlimit_resource_t>(resource), &value);
}

// Before the library is loaded, so that its static constructors are under them.
void limit_myself() {
  constexpr rlim_t megabyte = 1 << 20;
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  limit(RLIMIT_AS, 512 * megabyte, 512 * megabyte);
  limit(RLIMIT_CPU, 2, 3); // seconds; the first one is a signal that is told apart
#else
  limit(RLIMIT_CPU, 5, 6); // they slow all down, and allow no limit on memory
#endif
  limit(RLIMIT_FSIZE, megabyte, megabyte);
  limit(RLIMIT_NOFILE, 64, 64);
  limit(RLIMIT_CORE, 0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL); // nobody would read the verdict
}

std::string dump(const nlohmann::json &json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

nlohmann::json tried(const std::filesystem::path &library, Channel &channel) {
  try {
    const TrialResult result = try_library(library, channel);
    nlohmann::json params = nlohmann::json::array();
    for (const Param &p : result.params)
      params.push_back({{"name", p.name},
                        {"help", p.help},
                        {"type", static_cast<int>(p.type)},
                        {"default", p.default_value},
                        {"min", p.min},
                        {"max", p.max}});
    return {{"ok", true},
            {"summary", result.summary},
            {"params", params},
            {"warnings", result.warnings}};
  } catch (const Refusal &refusal) {
    return {{"ok", false}, {"check", refusal.check}, {"what", refusal.what()}};
  } catch (const std::exception &e) {
    return {
        {"ok", false}, {"check", "load"}, {"what", std::string("it can't be loaded: ") + e.what()}};
  }
}

[[noreturn]] void be_the_trial(const std::filesystem::path &library, int fd, const char *nonce) {
  static Channel channel(fd, nonce); // outlives all, for the last words
  ::unsetenv(channel_variable);
  ::unsetenv(nonce_variable);
  note_last_words_on(channel);
  limit_myself();
  channel.verdict(dump(tried(library, channel)));
  // What a library has left behind must not change the verdict any more.
  ::_exit(0);
}

int show(const Verdict &verdict, const std::string &name) {
  for (const std::string &warning : verdict.warnings)
    fmt::print("{}: warning: {}\n", name, warning);
  if (!verdict.ok) {
    fmt::print("{}: refused ({}): {}\n", name, verdict.check, verdict.what);
    return verdict.check == "verifier" ? 64 : 1;
  }
  fmt::print("{}: fine, tried in {} ms: {}\n", name, verdict.took.count() / 1000, verdict.summary);
  for (const Param &p : verdict.params)
    fmt::print("  {} = {} ({}, {} to {}): {}\n", p.name, p.default_value, type_name(p.type), p.min,
               p.max, p.help);
  return 0;
}

} // namespace

int main(int argc, char **argv) {
  CLI::App app(
      "Tries a strategy's library in a process of its own and says what is wrong with it.");
  std::string library;
  app.add_option("LIBRARY", library, "the shared library, NAME.so")->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? 0 : 64;
  }
  const char *fd = std::getenv(channel_variable);
  const char *nonce = std::getenv(nonce_variable);
  if (fd != nullptr && nonce != nullptr)
    be_the_trial(library, std::atoi(fd), std::string(nonce).c_str());
  return show(verify("/proc/self/exe", library),
              std::filesystem::path(library).filename().string());
}
