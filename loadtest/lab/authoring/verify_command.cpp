// verify: builds a strategy if its text is newer, and tries it as the host would.
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "loadtest/lab/authoring/compiler.hpp"
#include "loadtest/lab/authoring/source.hpp"
#include "loadtest/lab/authoring/trial.hpp"
#include "loadtest/lab/commands.hpp"
#include "loadtest/lab/exit_status.hpp"
#include "loadtest/lab/interrupt.hpp"
#include "loadtest/lab/load_options.hpp"
#include "plugins/loader/find.hpp"
#include "plugins/verifier/verdict_text.hpp"

namespace lab::cli {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

struct Options {
  std::vector<std::string> words;
  bool sanitize = false;
  JsonOption json;
};

// What is to be tried: a text that may have to be built first, or a library alone.
struct Candidate {
  std::string name;
  std::optional<Source> source;
  fs::path library;
};

Candidate candidate_called(const Places &places, const std::string &word) {
  const fs::path path(word);
  if (path.extension() == ".so") {
    if (!fs::exists(path))
      throw SetUpFailed(fmt::format("{} is not there", word));
    return {path.stem(), std::nullopt, fs::absolute(path)};
  }
  if (auto source = find_source(places, word))
    return {source->name, source, source->library};
  if (plugin::valid_name(word))
    for (const fs::path &folder : {places.my_strategies(), places.strategies()})
      if (const fs::path library = folder / (word + ".so"); fs::exists(library))
        return {word, std::nullopt, library};
  throw SetUpFailed(fmt::format("there is no strategy called {}, and no file: scripts/lab new {} "
                                "starts one",
                                word, plugin::valid_name(word) ? word : "NAME"));
}

std::vector<Candidate> candidates(const Places &places, const std::vector<std::string> &words) {
  std::vector<Candidate> all;
  for (const std::string &word : words)
    all.push_back(candidate_called(places, word));
  if (words.empty())
    for (const Source &source : all_sources(places))
      all.push_back({source.name, source, source.library});
  if (all.empty())
    throw SetUpFailed("there is none in my/strategies: scripts/lab new NAME starts one");
  return all;
}

// Built in a place of its own: it is no library to use.
fs::path sanitized_library(const Places &places, const Source &source) {
  const fs::path folder = places.records() / "sanitized";
  fs::create_directories(folder);
  return folder / (source.name + ".so");
}

json report(const Candidate &candidate, const plugin::Verdict &verdict, const fs::path &library) {
  json params = json::array();
  for (const plugin::Param &param : verdict.params)
    params.push_back({{"name", param.name},
                      {"help", param.help},
                      {"type", plugin::type_name(param.type)},
                      {"default", param.default_value},
                      {"min", param.min},
                      {"max", param.max}});
  return {{"name", candidate.name},
          {"library", library.string()},
          {"ok", verdict.ok},
          {"check", verdict.ok ? json() : json(verdict.check)},
          {"what", verdict.ok ? json() : json(verdict.what)},
          {"warnings", verdict.warnings},
          {"summary", verdict.summary},
          {"members", verdict.members},
          {"params", params},
          {"took_ms", static_cast<double>(verdict.took.count()) / 1000}};
}

// A text that doesn't compile is refused before anything can be tried.
plugin::Verdict of_compiler(const Complaint &error) {
  plugin::Verdict verdict;
  verdict.check = "compile";
  verdict.what = error.headline();
  return verdict;
}

Exit run(const Places &places, const Options &options) {
  const Interrupt interrupt;
  json all = json::array();
  bool fine = true, broken = false;
  for (const Candidate &candidate : candidates(places, options.words)) {
    if (options.sanitize && !candidate.source)
      throw SetUpFailed(fmt::format(
          "--sanitize builds it anew, and {} has no text in my/strategies", candidate.name));
    const Build how = options.sanitize ? Build::sanitized : Build::usual;
    const fs::path library =
        options.sanitize ? sanitized_library(places, *candidate.source) : candidate.library;
    std::optional<Built> built;
    if (candidate.source && (options.sanitize || needs_build(*candidate.source)))
      built = build(places, *candidate.source, library, how, interrupt.token());
    const bool compiled = !built || !built->error;
    const plugin::Verdict verdict =
        compiled ? tried(places, candidate.name, library, how) : of_compiler(*built->error);
    fine = fine && verdict.ok;
    broken = broken || verdict.check == "verifier";
    all.push_back(report(candidate, verdict, library));
    if (options.json.to_output())
      continue;
    if (built && built->warning)
      fmt::print("{}: warning: {}\n", candidate.name, built->warning->text());
    if (!compiled)
      fmt::print("{}: does not compile: {}\n", candidate.name, built->error->text());
    else
      fmt::print("{}", plugin::verdict_text(
                           candidate.name + (options.sanitize ? " (sanitized)" : ""), verdict));
  }
  options.json.write(all.dump(2, ' ', false, json::error_handler_t::replace));
  return broken ? Exit::set_up : fine ? Exit::pass : Exit::fail;
}

} // namespace

void add_verify(CLI::App &lab, Chosen &chosen) {
  CLI::App *command = lab.add_subcommand(
      "verify", "Build strategies if need be and try them as the host would; status 0 fine, 1 "
                "refused");
  auto options = std::make_shared<Options>();
  command->add_option("NAME", options->words,
                      "A strategy's name, a text .cpp or .c, or a library .so; without: all in "
                      "my/strategies");
  command->add_flag("--sanitize", options->sanitize,
                    "Build it with the address sanitizer: finds damage to memory too");
  options->json.add_to(*command);
  command->callback([&chosen, options] {
    chosen.action = [options](const Places &places) { return run(places, *options); };
  });
}

} // namespace lab::cli
