// report: the path as a page to hand in, or a matrix as one; and a class as a table, for those who
// teach.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include <pwd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include "loadtest/figures.hpp"
#include "loadtest/lab/files.hpp"
#include "loadtest/lab/load_options.hpp"
#include "loadtest/lab/matrix/matrix_report.hpp"
#include "loadtest/lab/path/class_table.hpp"
#include "loadtest/lab/path/commands.hpp"
#include "loadtest/lab/path/report.hpp"
#include "loadtest/machine.hpp"

namespace lab::path {
namespace {

namespace fs = std::filesystem;
using cli::Exit;
using cli::Places;
using nlohmann::json;

struct Options {
  std::string out;
  std::string class_folder;
  std::optional<std::string> matrix; // "": the newest
  bool csv = false;
  cli::JsonOption json;
};

std::string user_name() {
  const passwd *user = ::getpwuid(::geteuid());
  return user ? user->pw_name : "a learner without a name";
}

// Of the newest recorded run; where there is none, of this machine alone.
std::string machine_text(const Places &places) {
  const auto recorded = load::list_runs(places.runs());
  json run;
  if (!recorded.empty())
    run = json::parse(cli::text_of_file(recorded.front().folder / "run.json").value_or(""), nullptr,
                      false);
  json machine = load::at(run, "machine");
  if (!machine.is_object())
    machine = load::machine_facts();
  const auto text = [](const json &value) {
    return value.is_string() ? value.get<std::string>() : std::string();
  };
  const std::string cores = load::shown(load::at(machine, "cores"));
  std::string all = cores == "1" ? "1 core" : cores + " cores";
  for (const std::string &part :
       {text(load::at(machine, "processor")), text(load::at(machine, "system"))})
    all += part.empty() ? "" : ", " + part;
  const std::string version = text(load::at(run, "facts.postgres.version"));
  return version.empty() ? all : all + ", PostgreSQL " + version;
}

fs::path named_by(const std::string &out) {
  const fs::path file = fs::absolute(out).lexically_normal();
  std::error_code absent;
  if (!fs::is_directory(file.parent_path(), absent))
    throw cli::SetUpFailed(fmt::format("--out {}: there is no folder {}; make it first", out,
                                       file.parent_path().string()));
  if (fs::is_directory(file, absent))
    throw cli::SetUpFailed(fmt::format("--out {} is a folder: name a file in it", out));
  return file;
}

fs::path where_to(const Places &places, const std::string &out) {
  if (!out.empty())
    return named_by(out);
  std::error_code problem;
  fs::create_directories(places.reports(), problem);
  if (problem)
    throw cli::SetUpFailed(fmt::format("{} can't be made: {}; name another place with --out",
                                       places.reports().string(), problem.message()));
  return places.reports() / "path.html";
}

Exit write_report(const Places &places, const Options &options) {
  const Course course(places);
  if (!course.progress().begun())
    throw cli::SetUpFailed("there is nothing to report yet: begin with scripts/lab next");
  const fs::path file = where_to(places, options.out);
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  const ReportFacts facts{
      course.progress().learner.empty() ? user_name() : course.progress().learner,
      fmt::format("{:%Y-%m-%d %H:%M} UTC", fmt::gmtime(now)), machine_text(places)};
  try {
    cli::write_whole(file, html_report(course, facts));
  } catch (const json::exception &e) {
    throw cli::SetUpFailed(fmt::format("{} keeps something that is no run ({}): begin that step "
                                       "anew with scripts/lab again",
                                       places.progress().string(), e.what()));
  }
  fmt::print("{}\n", file.string());
  return Exit::pass;
}

Exit write_report_of_matrix(const Places &places, const Options &options) {
  const cli::MatrixReport report =
      cli::write_matrix_report(places, cli::matrix_called(places, *options.matrix));
  fs::path file = report.html;
  if (!options.out.empty()) {
    file = named_by(options.out);
    cli::write_whole(file, cli::text_of_file(report.html).value_or(""));
  }
  if (!options.json.to_output())
    fmt::print("{}\n", file.string());
  options.json.write(report.data.dump(2, ' ', false, json::error_handler_t::replace));
  return Exit::pass;
}

Exit print_class(const Places &places, const Options &options) {
  if (options.csv && options.json.to_output())
    throw cli::SetUpFailed("--csv and --json both want standard output: write --json FILE");
  const ClassTable table = read_class(options.class_folder, read_steps(places.path_steps()));
  for (const LeftOut &one : table.left_out)
    fmt::print(stderr, "left out: {}: {}\n", printable(one.file), one.why);
  if (table.rows.empty())
    throw cli::SetUpFailed(fmt::format("there is no progress file below {}: collect each learner's "
                                       ".lab/progress.json there, under names of their own",
                                       options.class_folder));
  if (options.csv)
    fmt::print("{}", as_csv(table));
  else if (!options.json.to_output())
    fmt::print("{}", as_text(table));
  options.json.write(as_json(table).dump(2, ' ', false, json::error_handler_t::replace));
  return Exit::pass;
}

} // namespace

void add_report(CLI::App &lab, cli::Chosen &chosen) {
  CLI::App *command = lab.add_subcommand(
      "report", "What you did on the path, as one HTML page to hand in; or a matrix; or a whole "
                "class as a table");
  auto options = std::make_shared<Options>();
  CLI::Option *out =
      command
          ->add_option("--out", options->out,
                       "Where to write the page; without it .lab/reports/path.html, or "
                       "report.html in the matrix's folder")
          ->option_text("FILE");
  CLI::Option *of_class =
      command
          ->add_option("--class", options->class_folder,
                       "A table of all progress files below FOLDER, for those who teach")
          ->option_text("FOLDER")
          ->excludes(out);
  CLI::Option *of_matrix =
      command
          ->add_option("--matrix", options->matrix,
                       "Of that matrix; without a name of the newest. Writes cells.csv beside it")
          ->expected(0, 1)
          ->option_text("[MATRIX]")
          ->excludes(of_class);
  command->add_flag("--csv", options->csv, "With --class: as CSV on standard output")
      ->needs(of_class);
  options->json.add_to(*command);
  CLI::Option *json = command->get_option("--json")->description(
      "With --class or --matrix: as JSON, to FILE, or alone on standard output");
  command->callback([&chosen, options, json, of_class, of_matrix] {
    if (*json && !*of_class && !*of_matrix)
      throw CLI::RequiresError("--json", "--class or --matrix");
    chosen.action = [options](const Places &places) {
      if (options->matrix)
        return write_report_of_matrix(places, *options);
      return options->class_folder.empty() ? write_report(places, *options)
                                           : print_class(places, *options);
    };
  });
}

} // namespace lab::path
