// The learner's path on a real lab: every step fails untouched, passes with its
// solution, and rejects wrong fixes. The wrong fixes take runs of their own, so
// they are tried with LAB_TEST_FULL only. With LAB_PATH_BUSY set (a machine that
// is busy on purpose), steps may end unproven, and the wrong fixes are left out.
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "loadtest/lab/files.hpp"
#include "loadtest/lab/path/progress.hpp"
#include "loadtest/lab/path/step.hpp"
#include "loadtest/lab/test_lab.hpp"

namespace lab::path {
namespace {

using cli::TestLab;
using nlohmann::json;
using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;
using Said = TestLab::Said;

const TestLab &the_lab() {
  static const TestLab lab;
  return lab;
}

const std::vector<Step> &steps() {
  static const std::vector<Step> all = read_steps(LAB_SOURCE "/docs/path/steps");
  return all;
}

const Step &step_called(const std::string &name) {
  for (const Step &step : steps())
    if (step.name == name)
      return step;
  throw std::invalid_argument("no step " + name);
}

std::vector<std::string> words(const std::string &command) {
  std::istringstream in(command);
  std::vector<std::string> all;
  for (std::string word; in >> word;)
    if (word != "scripts/lab")
      all.push_back(word);
  return all;
}

Said lab(const std::string &command) {
  Said said = the_lab().lab(words(command));
  EXPECT_THAT(said.status, AnyOf(0, 1, 2)) << command << "\n" << said.err;
  return said;
}

json lab_json(const std::string &command) {
  const Said said = lab(command + " --json");
  json answer = json::parse(said.out, nullptr, false);
  EXPECT_FALSE(answer.is_discarded()) << command << ": " << said.out << said.err;
  return answer;
}

void save_settings(const std::string &text) {
  cli::write_whole(the_lab().places().my_settings(), text);
}

// Saved, and in force.
void save_and_wait(const std::string &text, const std::string &setting, double value) {
  save_settings(text);
  EXPECT_TRUE(cli::eventually([&] {
    return the_lab().host().strategy().at("params").value(setting, -1.0) == value;
  })) << text;
}

std::string check(const Step &step) {
  return lab_json("check " + step.name).at("verdict");
}

void predict(const Step &step) {
  std::vector<std::string> command = {"predict"};
  for (const Question &question : step.predictions) {
    command.emplace_back("--answer");
    command.push_back(question.id + (question.is_choice() ? "=a" : "=12"));
  }
  const Said said = the_lab().lab(command);
  EXPECT_EQ(said.status, 0) << said.out << said.err;
}

// Answers of every open question; `wrong`: each one's another option or number.
Said answer(const Step &step, bool wrong) {
  const json right = lab_json("solve " + step.name).at("answers");
  std::vector<std::string> command = {"check", step.name};
  for (const Question &question : step.questions) {
    std::string given = right.at(question.id);
    if (wrong && question.is_choice())
      given = given == "a" ? "b" : "a";
    else if (wrong)
      given = "-1";
    command.emplace_back("--answer");
    command.push_back(question.id + "=" + given);
  }
  return the_lab().lab(command);
}

// What my/settings.toml says in the solution of step 6, as its page shows it.
std::string solution_settings() {
  const std::string page =
      cli::text_of_file(LAB_SOURCE "/docs/path/solutions/6-size-it.md").value_or("");
  const std::string open = "```toml\n";
  const auto from = page.find(open);
  const auto to = page.find("```\n", from + open.size());
  if (from == std::string::npos || to == std::string::npos)
    throw std::runtime_error("the solution of step 6 shows no settings");
  return page.substr(from + open.size(), to - from - open.size());
}

double solution_size() {
  const std::string text = solution_settings(), key = "max = ";
  return std::stod(text.substr(text.find(key) + key.size()));
}

// What the learner decides in a step, as its solution has it.
void edit(const Step &step, const std::string &run) {
  if (step.name == "size-it" && run == "after")
    save_and_wait(solution_settings(), "max", solution_size());
  else if (step.name == "budget" && run == "fair")
    lab("use bounded_timeout --set max=40");
}

// The commands that `next` names, with what is decided in between.
void run_as_told(const Step &step, const std::function<void(const std::string &)> &decide) {
  const json now = lab_json("next");
  ASSERT_EQ(now.at("step").at("name"), step.name);
  for (const json &run : now.at("step").at("runs")) {
    decide(run.at("name"));
    for (const json &command : run.at("commands"))
      lab(command);
  }
}

// As told, again when the machine was too busy, and never for ever. Answers how often.
int run_until_it_counts(const Step &step) {
  for (int attempt = 1; attempt <= 4; ++attempt) {
    run_as_told(step, [&](const std::string &run) { edit(step, run); });
    if (!lab_json("check " + step.name).at("open").empty())
      return attempt;
  }
  ADD_FAILURE() << "no run of " << step.name << " counted: " << lab("check " + step.name).out;
  return 4;
}

bool busy() {
  return std::getenv("LAB_PATH_BUSY") != nullptr;
}

TEST(Path, EachStepFailsUntouchedAndPassesWithItsSolution) {
  lab("next --fast");
  for (const Step &step : steps()) {
    SCOPED_TRACE(step.name);
    EXPECT_EQ(check(step), "not yet") << "untouched";
    predict(step);
    EXPECT_EQ(check(step), "not yet") << "predicted alone";
    const auto begun = std::chrono::steady_clock::now();
    const int attempts = run_until_it_counts(step);
    EXPECT_EQ(answer(step, true).status, 1) << "wrong answers";
    const Said right = answer(step, false);
    EXPECT_EQ(right.status, 0) << right.out << right.err;
    const std::string verdict = check(step);
    EXPECT_THAT(verdict, AnyOf("pass", busy() ? "unproven" : "pass"));
    const auto took = std::chrono::steady_clock::now() - begun;
    std::printf("%s: %s, told %d time(s), %.0f s\n", step.name.c_str(), verdict.c_str(), attempts,
                std::chrono::duration<double>(took).count());
  }
  EXPECT_TRUE(lab_json("next").at("step").is_null());
  EXPECT_EQ(lab("up --hosts 1").status, 0);

  // What was passed is looked at again: a setting that is taken back is seen.
  save_settings("[fixed_tiny]\nmax = 3\n");
  EXPECT_EQ(lab_json("next").at("step").at("name"), "size-it");
  save_settings(solution_settings());
  EXPECT_TRUE(lab_json("next").at("step").is_null());
}

// ---- wrong fixes ----

struct WrongFix {
  std::string step;
  std::string what;
  std::vector<std::string> commands;
  std::string settings = {}; // of my/settings.toml, saved first
};

const std::vector<WrongFix> wrong_fixes = {
    {"gauges", "nothing is run", {}},
    {"gauges", "a load that isn't calm", {"use fixed_tiny", "load hold --seconds 5"}},
    {"gauges", "another strategy", {"use fixed_huge", "load hold --rate 20 --seconds 5"}},

    {"break-small", "nothing is run", {}},
    {"break-small",
     "a huge timeout",
     {"use fixed_tiny --set max=3 --set wait_ms=60000",
      "load hold --model closed --users 50 --seconds 5"}},
    {"break-small",
     "a huge pool",
     {"use fixed_tiny --set max=500", "load hold --model closed --users 50 --seconds 5"}},
    {"break-small",
     "too few users",
     {"use fixed_tiny --set max=3 --set wait_ms=200",
      "load hold --model closed --users 10 --seconds 5"}},

    {"two-causes", "nothing is run", {}},
    {"two-causes",
     "nothing is frozen",
     {"use fixed_tiny --set max=3 --set wait_ms=200", "load hold --seconds 5",
      "use bounded_timeout", "load hold --seconds 5"}},
    {"two-causes",
     "a huge timeout and a long line hide the freeze",
     {"use fixed_tiny --set max=3 --set wait_ms=200", "load hold --seconds 5",
      "use bounded_timeout --set wait_ms=60000 --set max_waiting=1000",
      "load hold --fault freeze --seconds 5"}},

    {"break-big", "nothing is run", {}},
    {"break-big",
     "a huge pool that isn't huge",
     {"compare fixed_huge bounded_timeout --profile ceiling --set fixed_huge.max=10"}},
    {"break-big",
     "a bounded pool that is huge",
     {"compare fixed_huge bounded_timeout --profile ceiling --set bounded_timeout.max=500"}},
    {"break-big",
     "a handful of users",
     {"compare fixed_huge bounded_timeout --profile ceiling --users 20"}},
    {"break-big", "another load", {"compare fixed_huge bounded_timeout --profile hold"}},

    {"more-is-slower", "nothing is run", {}},
    {"more-is-slower",
     "the huge pool made small",
     {"compare fixed_huge bounded_timeout --profile contended --set fixed_huge.max=10"}},
    {"more-is-slower",
     "both pools huge",
     {"compare fixed_huge bounded_timeout --profile contended --set bounded_timeout.max=500"}},
    {"more-is-slower", "another load", {"compare fixed_huge bounded_timeout --profile hold"}},

    {"size-it", "nothing is run", {}},
    {"size-it",
     "a huge timeout",
     {"use fixed_tiny --set max=3 --set wait_ms=200", "load hold --seconds 5",
      "use fixed_tiny --set max=3 --set wait_ms=60000", "load hold --seconds 5"}},
    {"size-it",
     "a huge pool, from the file",
     {"use fixed_tiny --set max=3 --set wait_ms=200", "load hold --seconds 5",
      "use fixed_tiny --set max=500 --set wait_ms=200", "load hold --seconds 5"},
     "[fixed_tiny]\nmax = 500\n"},
    {"size-it",
     "the size is stated, not in the file",
     {"use fixed_tiny --set max=3 --set wait_ms=200", "load hold --seconds 5",
      "use fixed_tiny --set max=8", "load hold --seconds 5"},
     "# nothing\n"},
    {"size-it",
     "one more is too few",
     {"use fixed_tiny --set max=3 --set wait_ms=200", "load hold --seconds 5",
      "use fixed_tiny --set max=4", "load hold --seconds 5"},
     "[fixed_tiny]\nmax = 4\n"},

    {"timeouts", "nothing is run", {}},
    {"timeouts",
     "the long wait comes with a larger pool",
     {"use fixed_tiny --set max=3 --set wait_ms=200", "load hold --seconds 5",
      "use fixed_tiny --set max=30 --set wait_ms=3000", "load hold --seconds 5"}},
    {"timeouts",
     "a wait in which nobody gives up",
     {"use fixed_tiny --set max=3 --set wait_ms=200", "load hold --seconds 5",
      "use fixed_tiny --set max=3 --set wait_ms=60000", "load hold --seconds 5"}},
    {"timeouts",
     "the short wait alone",
     {"use fixed_tiny --set max=3 --set wait_ms=200", "load hold --seconds 5"}},

    {"budget", "nothing is run", {}},
    {"budget",
     "one server alone",
     {"up --hosts 1", "use bounded_timeout --set max=80", "load ceiling --seconds 5",
      "use bounded_timeout --set max=40", "load ceiling --seconds 5"}},
    {"budget",
     "more than the share",
     {"up --hosts 2", "use bounded_timeout --set max=80", "load ceiling --seconds 5",
      "use bounded_timeout --set max=60", "load ceiling --seconds 5"}},
    {"budget",
     "far too careful",
     {"up --hosts 2", "use bounded_timeout --set max=80", "load ceiling --seconds 5",
      "use bounded_timeout --set max=10", "load ceiling --seconds 5", "up --hosts 1"}},

    {"budget",
     "a handful of users",
     {"up --hosts 2", "use bounded_timeout --set max=80", "load ceiling --users 20 --seconds 5",
      "use bounded_timeout --set max=40", "load ceiling --users 20 --seconds 5", "up --hosts 1"}},

    {"adaptive", "nothing is run", {}},
    {"adaptive", "a load that ten can serve", {"compare bounded_timeout adaptive --profile hold"}},
    {"adaptive",
     "a fixed pool that was resized",
     {"compare bounded_timeout adaptive --profile hold --rate 400 --set bounded_timeout.max=30"}},
    {"adaptive", "one of the two alone", {"compare adaptive --profile hold --rate 400"}},
};

TEST(Path, WrongFixesAreRejected) {
  if (std::getenv("LAB_TEST_FULL") == nullptr || busy())
    GTEST_SKIP() << "takes ten minutes: with scripts/test --full";
  std::map<std::string, int> tried;
  for (const WrongFix &fix : wrong_fixes) {
    SCOPED_TRACE(fix.step + ": " + fix.what);
    const Step &step = step_called(fix.step);
    for (const Step &earlier : steps())
      lab((earlier.number < step.number ? "skip " : "again ") + earlier.name);
    if (!fix.settings.empty())
      save_settings(fix.settings);
    predict(step);
    for (const std::string &command : fix.commands)
      lab(command);
    const json judged = lab_json("check " + step.name);
    EXPECT_EQ(judged.at("verdict"), "not yet") << judged.dump(2);
    EXPECT_TRUE(judged.at("open").empty()) << "questions are asked only once the runs are right";
    ++tried[fix.step];
  }
  for (const Step &step : steps())
    EXPECT_GE(tried[step.name], 3) << step.name;
}

// ---- it holds out ----

TEST(Path, StepsOutOfOrderAndUnknownOnesAreOneLine) {
  for (const Step &step : steps())
    lab("again " + step.name);
  const Said early = the_lab().lab({"check", "5"});
  EXPECT_EQ(early.status, 64);
  EXPECT_THAT(early.err, HasSubstr("step 1 (gauges) comes first"));
  EXPECT_THAT(the_lab().lab({"check", "50"}).err, HasSubstr("there is no step 50"));
}

TEST(Path, AMistakeInTheSettingsIsNamedWithItsLine) {
  for (const Step &step : steps())
    lab((step.number < 6 ? "skip " : "again ") + step.name);
  predict(step_called("size-it"));
  save_settings("[fixed_tiny]\nmax = 8000\n");
  const Said said = lab("check");
  EXPECT_THAT(said.out, HasSubstr("my/settings.toml line 2"));
  EXPECT_EQ(said.status, 1);
  save_settings("# nothing\n");
}

TEST(Path, ALockedPredictionStaysAndTryingAllAnswersIsRecorded) {
  for (const Step &step : steps())
    lab("again " + step.name);
  const Step &step = step_called("gauges");
  predict(step);
  EXPECT_EQ(the_lab().lab({"predict", "--answer", "in-use=1"}).status, 64);

  lab("use fixed_tiny");
  lab("load hold --rate 20 --seconds 5");
  for (int i = 0; i < 20; ++i) {
    const json right = lab_json("solve " + step.name).at("answers");
    // Every wrong option first: whatever was not tried yet and isn't the right one.
    const Progress progress = read_progress(the_lab().places().progress());
    const auto done = progress.steps.at(step.name).tries;
    const auto tries = done.find("max");
    std::size_t different = 0;
    if (tries != done.end())
      different = std::set<std::string>(tries->second.begin(), tries->second.end()).size();
    std::string given = right.at("max");
    if (different < 3)
      given = given == "a" ? std::string(1, static_cast<char>('b' + i % 3))
                           : std::string(1, static_cast<char>('a' + i % 4));
    if (different < 3 && given == right.at("max").get<std::string>())
      continue;
    lab("check --answer max=" + given);
    if (different == 3)
      break;
  }
  EXPECT_EQ(answer(step, false).status, 0);
  const Said said = lab("check gauges");
  EXPECT_THAT(said.out, HasSubstr("(guessed)"));
}

TEST(Path, AKilledLabComesBackWithOneUpAsItWas) {
  const auto progress_before = cli::text_of_file(the_lab().places().progress());
  lab("use bounded_timeout --set max=12");
  const json before = the_lab().status();
  for (const char *pid : {"agent_pid", "host_pid", "postgres_pid"})
    ::kill(before.at(pid).get<pid_t>(), SIGKILL);
  ASSERT_TRUE(cli::eventually([] { return !the_lab().status().at("up").get<bool>(); }));
  EXPECT_THAT(lab("next").out, HasSubstr("the lab is not up: scripts/lab up"));
  ASSERT_EQ(lab("up").status, 0);
  const json after = the_lab().status();
  EXPECT_EQ(after.at("strategy"), before.at("strategy"));
  EXPECT_EQ(after.at("params"), before.at("params"));
  EXPECT_TRUE(after.at("problems").empty()) << after.at("problems");
  EXPECT_EQ(the_lab().host().health().value("pending_jobs", 0), 10'000);
  EXPECT_EQ(json::parse(*cli::text_of_file(the_lab().places().progress())).at("salt"),
            json::parse(*progress_before).at("salt"));
}

TEST(Path, ASwapInMidRunProvesNothingAndASecondLoadIsOneLine) {
  for (const Step &step : steps())
    lab("again " + step.name);
  predict(step_called("gauges"));
  lab("use fixed_tiny");
  std::thread load([] { lab("load hold --rate 20 --seconds 6"); });
  ASSERT_TRUE(
      cli::eventually([] { return the_lab().host().pool().at("counts").at("asked") > 60; }));
  const Said second = the_lab().lab({"load", "hold", "--seconds", "5"});
  EXPECT_EQ(second.status, 64);
  EXPECT_THAT(second.err, HasSubstr("lab load hold"));
  lab("use adaptive");
  load.join();
  const Said said = lab("check");
  EXPECT_THAT(said.out, HasSubstr("changed in mid-run"));
  EXPECT_THAT(said.status, AnyOf(1, 2));
}

} // namespace
} // namespace lab::path
