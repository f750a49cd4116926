// lab_verify LIBRARY: tries one library and says what it thinks of it.
//
// Typed by a person, it starts itself again as the process that is tried in, and
// prints the verdict. Started by verify(), which sets the channel's variables, it
// is that process: it limits itself, runs the trial and sends the verdict up the
// channel. Its exit status says nothing then: a library can exit too.

#include <cstdlib>
#include <exception>
#include <filesystem>
#include <string>

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "plugins/verifier/channel.hpp"
#include "plugins/verifier/confine.hpp"
#include "plugins/verifier/last_words.hpp"
#include "plugins/verifier/trial.hpp"
#include "plugins/verifier/verdict_text.hpp"
#include "plugins/verifier/verify.hpp"

namespace {

using namespace lab::plugin;

Room room_needed() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return Room::for_a_sanitizer;
#else
  return std::getenv(sanitized_variable) != nullptr ? Room::for_a_sanitizer : Room::usual;
#endif
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
            {"members", result.members},
            {"warnings", result.warnings}};
  } catch (const Refusal &refusal) {
    return {{"ok", false}, {"check", refusal.check}, {"what", refusal.what()}};
  } catch (const std::exception &e) {
    return {
        {"ok", false}, {"check", "load"}, {"what", std::string("it can't be loaded: ") + e.what()}};
  }
}

[[noreturn]] void be_the_trial(const std::filesystem::path &library, int fd, const char *nonce,
                               int step_page) {
  static Channel channel(fd, nonce, step_page); // outlives all, for the last words
  const bool left = leave_root(std::getenv(run_as_variable), library);
  const Room room = room_needed();
  for (const char *name : {run_as_variable, sanitized_variable})
    ::unsetenv(name);
  ::unsetenv(channel_variable);
  ::unsetenv(step_variable);
  ::unsetenv(nonce_variable);
  note_last_words_on(channel);
  if (!left) {
    channel.verdict(
        R"({"ok":false,"check":"verifier","what":"root can't become another user here: )"
        R"(try it as a user of your own"})");
    ::_exit(0);
  }
  confine(room); // before the library is loaded, so that its static constructors are under it
  channel.verdict(dump(tried(library, channel)));
  // What a library has left behind must not change the verdict any more.
  ::_exit(0);
}

int show(const Verdict &verdict, const std::string &name) {
  fmt::print("{}", verdict_text(name, verdict));
  return verdict.ok ? 0 : verdict.check == "verifier" ? 64 : 1;
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
  const char *step = std::getenv(step_variable);
  if (fd != nullptr && nonce != nullptr && step != nullptr)
    be_the_trial(library, std::atoi(fd), std::string(nonce).c_str(), std::atoi(step));
  return show(verify("/proc/self/exe", library),
              std::filesystem::path(library).filename().string());
}
