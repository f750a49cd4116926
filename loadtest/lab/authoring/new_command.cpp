// new: a strategy to begin with, in a file of the learner's own.
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "loadtest/lab/authoring/source.hpp"
#include "loadtest/lab/commands.hpp"
#include "loadtest/lab/exit_status.hpp"
#include "loadtest/lab/files.hpp"

namespace lab::cli {
namespace {

namespace fs = std::filesystem;

// "grow_on_timeout" -> "GrowOnTimeout"
std::string type_name(const std::string &name) {
  std::string type;
  bool up = true;
  for (const char c : name) {
    if (c == '_') {
      up = true;
      continue;
    }
    type += up && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    up = false;
  }
  return type;
}

std::string replaced(std::string text, const std::string &from, const std::string &to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

// A file of the template's, with the names in it changed.
std::string from_template(const Places &places, const std::string &file, const std::string &name) {
  const fs::path path = places.templates() / file;
  const auto text = text_of_file(path);
  if (!text)
    throw SetUpFailed(fmt::format("{} is missing: scripts/lab up", path.string()));
  return replaced(replaced(*text, "MyStrategy", type_name(name)), "my_strategy", name);
}

// Never over what is there.
void write_new(const fs::path &file, const std::string &text) {
  if (fs::exists(fs::symlink_status(file)))
    throw SetUpFailed(fmt::format("{} is there already, and is left as it is: choose another name",
                                  shown_path(file)));
  write_whole(file, text);
}

Exit start(const Places &places, const std::string &name, const std::optional<std::string> &at) {
  check_new_name(places, name);
  const fs::path folder = at ? fs::path(*at) : places.my_strategies();
  std::error_code problem;
  fs::create_directories(folder, problem);
  if (problem)
    throw SetUpFailed(fmt::format("{} can't be made: {}", folder.string(), problem.message()));
  if (!at)
    if (const auto other = find_source(places, name))
      throw SetUpFailed(
          fmt::format("{} is there already, and is left as it is: choose another name",
                      shown_path(other->file)));
  const fs::path file = folder / (name + ".cpp");
  write_new(file, from_template(places, "my_strategy.cpp", name));
  const std::string text = shown_path(file);
  fmt::print("{} is yours. It behaves like bounded_timeout until you change it.\n", text);
  const std::string word = at ? text : name;
  if (at) {
    const fs::path build = folder / "CMakeLists.txt";
    if (!fs::exists(build)) {
      write_new(build, from_template(places, "CMakeLists.txt", name));
      fmt::print("{} builds it without the lab:\n"
                 "  cmake -S {} -B {}/build -DCMAKE_PREFIX_PATH={} && cmake --build {}/build\n",
                 shown_path(build), *at, *at, places.app().string(), *at);
    }
  }
  fmt::print("Next: scripts/lab watch {}, which builds, tries and uses it on every save\n", word);
  return Exit::pass;
}

} // namespace

void add_new(CLI::App &lab, Chosen &chosen) {
  struct Options {
    std::string name;
    std::optional<std::string> at;
  };
  CLI::App *command =
      lab.add_subcommand("new", "Start a strategy of your own: one file in my/strategies/");
  auto options = std::make_shared<Options>();
  command->add_option("NAME", options->name, "Small letters, digits and _")->required();
  command->add_option("--at", options->at, "Into this folder instead, with a CMakeLists.txt")
      ->option_text("DIR");
  command->callback([&chosen, options] {
    chosen.action = [options](const Places &places) {
      return start(places, options->name, options->at);
    };
  });
}

} // namespace lab::cli
