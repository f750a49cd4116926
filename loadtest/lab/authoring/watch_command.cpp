// watch: builds, tries and puts into force what is saved, as it is saved.
#include <chrono>
#include <ctime>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include "loadtest/lab/authoring/compiler.hpp"
#include "loadtest/lab/authoring/source.hpp"
#include "loadtest/lab/authoring/trial.hpp"
#include "loadtest/lab/bring_up.hpp"
#include "loadtest/lab/commands.hpp"
#include "loadtest/lab/exit_status.hpp"
#include "loadtest/lab/file_stamp.hpp"
#include "loadtest/lab/interrupt.hpp"
#include "loadtest/lab/state.hpp"
#include "loadtest/lab/swap.hpp"
#include "plugins/verifier/verdict_text.hpp"

namespace lab::cli {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

// File events don't come from every file system (shared folders, some containers);
// a look at a handful of files costs nothing.
constexpr auto look_again = 20ms;

double seconds_since(steady_clock::time_point start) {
  return std::chrono::duration<double>(steady_clock::now() - start).count();
}

void say(const std::string &name, const std::string &line) {
  fmt::print("{:%H:%M:%S} {}: {}\n", fmt::localtime(std::time(nullptr)), name, line);
  std::fflush(stdout);
}

class Watch {
public:
  Watch(const Places &places, std::optional<std::string> word, const Interrupt &interrupt)
      : places_(places), word_(std::move(word)), interrupt_(interrupt) {}

  void begin() {
    if (word_ && !find_source(places_, *word_))
      throw SetUpFailed(
          fmt::format("there is no text of {}: scripts/lab new {} starts one", *word_, *word_));
    const Running lab = running_lab(places_);
    fmt::print("watching {}, of the lab at {}; Ctrl-C ends it\n",
               word_ ? *word_ : std::string("my/strategies"), lab.host().url());
    std::fflush(stdout);
    for (const Source &source : sources()) {
      seen_[source.file] = {FileStamp::of(source.file), {}};
      seen_[source.file].taken = seen_[source.file].now;
      const bool old = needs_build(source);
      if (word_ || old)
        take(source, old, std::nullopt);
    }
  }

  void look() {
    for (const Source &source : sources()) {
      Seen &seen = seen_[source.file];
      const FileStamp now = FileStamp::of(source.file);
      // A file counts when two looks running have seen it the same: an editor may write
      // it in pieces.
      const bool at_rest = now == seen.now;
      if (!at_rest)
        seen.saved = steady_clock::now();
      seen.now = now;
      if (!at_rest || now == seen.taken || now == FileStamp{})
        continue;
      seen.taken = now;
      take(source, true, seen.saved);
    }
  }

private:
  struct Seen {
    FileStamp now;
    FileStamp taken; // what was built last, or refused
    steady_clock::time_point saved{};
  };

  std::vector<Source> sources() const {
    if (!word_)
      return all_sources(places_);
    const auto source = find_source(places_, *word_);
    return source ? std::vector<Source>{*source} : std::vector<Source>{};
  }

  // One save, from text to in force; whatever goes wrong, the build before stays.
  void take(const Source &source, bool must_build, std::optional<steady_clock::time_point> saved) {
    try {
      std::string done = "as it was built";
      if (must_build) {
        const Built built =
            build(places_, source, source.library, Build::usual, interrupt_.token());
        if (built.error)
          return say(source.name, fmt::format("does not compile: {}", built.error->text()));
        if (built.warning)
          say(source.name, "warning: " + built.warning->text());
        done = fmt::format("built in {} ms", built.took.count());
      }
      const plugin::Verdict verdict = tried(places_, source.name, source.library);
      for (const std::string &warning : verdict.warnings)
        say(source.name, "warning: " + warning);
      if (!verdict.ok)
        return say(source.name,
                   fmt::format("{}, refused ({}): {}", done, verdict.check, verdict.what));
      say(source.name,
          done + ", fine" + put_into_force(source, verdict) +
              (saved ? fmt::format("; {:.2f} s after the save", seconds_since(*saved)) : ""));
    } catch (const Interrupted &) {
      throw;
    } catch (const std::exception &e) {
      say(source.name, e.what());
    }
  }

  // The one that was named, and the one that is in use anyway.
  std::string put_into_force(const Source &source, const plugin::Verdict &verdict) {
    const Running lab = running_lab(places_);
    Choice choice = lab.host().choice();
    if (!word_ && choice.name != source.name)
      return fmt::format(" (scripts/lab use {})", source.name);
    if (choice.name != source.name)
      choice = {source.name};
    // What was stated for a parameter that this build has no more goes with it.
    std::erase_if(choice.params, [&](const auto &stated) {
      return !plugin::index_of(verdict.params, stated.first);
    });
    const auto said = swap_to(places_, lab.all_hosts(), choice, HostApi::Instance::may_stay);
    StateFile(places_.state()).change([&](State &s) { s.in_use = choice; });
    return fmt::format(", in force in {:.0f} ms{}", said.at("took_ms").get<double>(),
                       state_text(said));
  }

  const Places &places_;
  const std::optional<std::string> word_;
  const Interrupt &interrupt_;
  std::map<std::filesystem::path, Seen> seen_;
};

Exit run(const Places &places, const std::optional<std::string> &word) {
  const Interrupt interrupt;
  Watch watch(places, word, interrupt);
  watch.begin();
  while (!interrupt.came()) {
    watch.look();
    std::this_thread::sleep_for(look_again);
  }
  return Exit::interrupted;
}

} // namespace

void add_watch(CLI::App &lab, Chosen &chosen) {
  CLI::App *command =
      lab.add_subcommand("watch", "Build, try and use a strategy on every save, until Ctrl-C");
  auto word = std::make_shared<std::optional<std::string>>();
  command->add_option("NAME", *word,
                      "One of my/strategies, or a text elsewhere; it is used at once. Without: "
                      "all of my/strategies, and the one in use is swapped");
  command->callback([&chosen, word] {
    chosen.action = [word](const Places &places) { return run(places, *word); };
  });
}

} // namespace lab::cli
