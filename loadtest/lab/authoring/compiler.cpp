#include "loadtest/lab/authoring/compiler.hpp"

#include <csignal>
#include <cstdlib>
#include <sstream>
#include <system_error>

#include <fmt/format.h>

#include "db/child.hpp"
#include "loadtest/lab/exit_status.hpp"
#include "loadtest/lab/interrupt.hpp"

namespace lab::cli {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr auto compile_limit = 2min;
constexpr auto look_again = 20ms;

// May be more than one word: "ccache g++".
std::vector<std::string> compiler(bool c) {
  const char *chosen = std::getenv(c ? "CC" : "CXX");
  std::istringstream words(chosen != nullptr && *chosen != '\0' ? chosen : c ? "gcc" : "g++");
  std::vector<std::string> all;
  for (std::string word; words >> word;)
    all.push_back(word);
  return all;
}

bool is_clang(const std::vector<std::string> &command) {
  return command.back().find("clang") != std::string::npos;
}

} // namespace

std::vector<std::string> compile_command(const Places &places, const fs::path &text,
                                         const fs::path &library, Build how) {
  const bool c = text.extension() == ".c";
  const fs::path headers = places.app() / "include";
  std::vector<std::string> words = compiler(c);
  const bool clang = is_clang(words);
  const auto add = [&](std::initializer_list<std::string> more) {
    words.insert(words.end(), more);
  };
  add({c ? "-std=c11" : "-std=c++20", "-Wall", "-Wextra", "-g", "-fPIC", "-shared",
       "-fvisibility=hidden", "-I", headers.string()});
  if (!c && !clang) // a static in a template would keep the first build mapped for ever
    add({"-fno-gnu-unique"});
  if (how == Build::sanitized)
    add({"-O1", "-fsanitize=address", "-fno-omit-frame-pointer"});
  else
    add({"-O2", "-Wl,-z,defs"});
  add({"-Wl,--version-script=" + (headers / "pool_lab" / "strategy.map").string(), text.string(),
       "-o", library.string()});
  return words;
}

Built build(const Places &places, const Source &source, const fs::path &library, Build how,
            const std::stop_token &stop) {
  const auto begun = steady_clock::now();
  const std::string text = shown_path(source.file);
  const fs::path aside = library.parent_path() / ("." + library.filename().string() + ".part");
  const std::vector<std::string> command = compile_command(places, text, aside, how);
  // As it was when the compiler read it: a save in the middle makes the library old.
  std::error_code problem;
  const auto saved = fs::last_write_time(source.file, problem);

  db::Launch launch{.argv = command, .environment = {{"LC_ALL", "C"}, {"GCC_COLORS", ""}}};
  launch.out = launch.err = db::Output::captured();
  launch.own_session = true; // so that all of a compiler's programs end with it
  std::optional<db::Ended> ended;
  std::string output;
  try {
    db::Child child(launch);
    const auto deadline = begun + compile_limit;
    while (!(ended = child.wait_for(look_again)) && !stop.stop_requested() &&
           steady_clock::now() < deadline)
      continue;
    if (!ended) {
      child.send(SIGKILL);
      (void)child.wait_for(5s);
    }
    output = child.output();
  } catch (const std::runtime_error &e) {
    throw SetUpFailed(fmt::format("{} can't be started: {}; install it (apt-get install g++), or "
                                  "name another one by {}",
                                  command.front(), e.what(), source.is_c() ? "CC" : "CXX"));
  }
  Built built;
  built.took = std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - begun);
  if (stop.stop_requested()) {
    fs::remove(aside, problem);
    throw Interrupted{};
  }
  if (!ended)
    built.error = Complaint{
        "", 0, 0, fmt::format("the compiler was ended after {} s", compile_limit / 1s), {}};
  else if (!ended->well())
    built.error = first_error(output, text);
  if (built.error) {
    fs::remove(aside, problem);
    return built;
  }
  built.warning = first_warning(output, text);
  fs::last_write_time(aside, saved, problem);
  fs::rename(aside, library, problem);
  if (problem)
    throw SetUpFailed(
        fmt::format("{} can't be written: {}", shown_path(library), problem.message()));
  return built;
}

} // namespace lab::cli
