// `lab doctor --bundle` on whole labs: up, down, broken, half there, on a full disk.
// Passwords are planted where such things end up.
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <sys/stat.h>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loadtest/lab/bug_report/identity.hpp"
#include "loadtest/lab/files.hpp"
#include "loadtest/lab/state.hpp"
#include "loadtest/lab/test_home.hpp"

namespace lab::cli {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

constexpr const char *parts[] = {"versions",
                                 "the machine",
                                 "environment",
                                 "lab doctor",
                                 "lab status --json",
                                 "the database",
                                 "state.json",
                                 "my/settings.toml",
                                 "my/strategies",
                                 "strategies, as the host sees them",
                                 "the last 5 runs",
                                 "the end of the log of the host",
                                 "the end of the log of the agent",
                                 "the end of the log of PostgreSQL",
                                 "packages"};

std::string part_of(const std::string &report, const std::string &title) {
  const auto from = report.find("\n== " + title + "\n");
  if (from == std::string::npos)
    return "";
  return report.substr(from + 1, report.find("\n== ", from + 1) - from);
}

class Bundle : public testing::Test {
protected:
  void SetUp() override {
    fs::create_directories(home_.places().records());
    StateFile(home_.places().state()).change([this](State &s) { s.port = home_.port(); });
  }

  // The report that it wrote, with all its parts.
  std::string report(const Ways &ways = {}) {
    const fs::path file = folder_.path() / fmt::format("report-{}.txt", ++reports_);
    const auto said = home_.lab({"doctor", "--bundle", file}, ways);
    EXPECT_EQ(said.status, 0) << said.err;
    EXPECT_THAT(said.out, HasSubstr(file.string()));
    EXPECT_THAT(said.out, HasSubstr(" kB. Nothing was sent"));
    EXPECT_TRUE(is_one_line(said.out)) << said.out;
    struct stat s {};
    EXPECT_EQ(::stat(file.c_str(), &s), 0);
    EXPECT_EQ(s.st_mode & 07777U, 0600U);
    std::string text = text_of_file(file).value_or("");
    for (const char *title : parts)
      EXPECT_NE(part_of(text, title), "") << title << " is missing in\n" << text;
    EXPECT_THAT(text, Not(HasSubstr(home_.places().home().string())));
    EXPECT_THAT(text, Not(HasSubstr(home_.places().work().string())));
    return text;
  }

  static void append(const fs::path &file, const std::string &text) {
    std::ofstream(file, std::ios::app) << text;
  }

  const TestHome home_;
  const TestFolder folder_;
  int reports_ = 0;
};

TEST_F(Bundle, TellsHowALabThatIsUpIsAndNoneOfItsPasswords) {
  ASSERT_EQ(home_.up().status, 0);
  ASSERT_LE(home_.lab({"load", "hold", "--seconds", "2", "--warm-up", "0.5"}).status, 1);
  const Places &places = home_.places();
  std::ofstream(places.my_settings()) << "[fixed_tiny]\nmax = 31\n# db password = planted-1\n";
  std::ofstream(places.my_strategies() / "mine.cpp") << "// the text of mine\n";
  const auto passwords =
      passwords_in(text_of_file(places.postgres_folder() / "passfile").value_or(""));
  ASSERT_GE(passwords.size(), 3U);
  for (const std::string &password : passwords) {
    append(places.host_log(), fmt::format("it said {} in passing\n", password));
    append(places.agent_log(), fmt::format("x{}y\n", password));
    append(places.postgres_folder() / "log", fmt::format("LOG:  {}\n", password));
  }
  append(places.host_log(), "connecting with host=h user=somebody password='planted-2'\n"
                            "query_failed: ERROR: no DETAIL: row (planted-3)\n");
  append(places.postgres_folder() / "log",
         "ERROR:  no\nSTATEMENT:  INSERT INTO jobs\n\tVALUES ('planted-4')\n");

  const std::string text =
      report({.environment = {{"LAB_TOKEN", "planted-5"},
                              {"OTHER_TOKEN", "planted-6"},
                              {"PGPASSWORD", "planted-7"},
                              {"LAB_NOTE", "planted-6 and planted-7 are known, too"}}});
  for (const std::string &password : passwords)
    EXPECT_THAT(text, Not(HasSubstr(password)));
  EXPECT_THAT(text, Not(HasSubstr("planted-")));
  EXPECT_THAT(text, Not(HasSubstr("somebody")));
  EXPECT_THAT(text, Not(HasSubstr("the text of mine")));
  EXPECT_THAT(text, Not(HasSubstr("OTHER_TOKEN")));
  EXPECT_THAT(text, Not(HasSubstr("planted-6")));

  EXPECT_THAT(part_of(text, "versions"), HasSubstr("postgres (PostgreSQL) 15"));
  EXPECT_THAT(part_of(text, "the machine"), HasSubstr("limit of open files"));
  EXPECT_THAT(part_of(text, "environment"), HasSubstr("LAB_TOKEN=(secret)"));
  EXPECT_THAT(part_of(text, "lab doctor"), HasSubstr("loopback"));
  EXPECT_THAT(part_of(text, "lab status --json"), HasSubstr("\"host_pid\""));
  EXPECT_THAT(part_of(text, "the database"), HasSubstr("\"max_connections\": \"100\""));
  EXPECT_THAT(part_of(text, "state.json"), HasSubstr(std::to_string(home_.port())));
  EXPECT_THAT(part_of(text, "my/settings.toml"), HasSubstr("max = 31"));
  EXPECT_THAT(part_of(text, "my/strategies"), HasSubstr("mine.cpp"));
  EXPECT_THAT(part_of(text, "strategies, as the host sees them"),
              HasSubstr("adaptive (the lab's): can be used"));
  for (const char *field : {"\"asked\"", "\"verdict\"", "\"guards\"", "\"hold\""})
    EXPECT_THAT(part_of(text, "the last 5 runs"), HasSubstr(field));
  EXPECT_THAT(part_of(text, "the end of the log of the host"), HasSubstr("it said (secret) in"));
}

TEST_F(Bundle, NamesThePackagesOfTheClone) {
  const std::string text = report({.environment = {{"LAB_CLONE", LAB_SOURCE}}});
  EXPECT_THAT(part_of(text, "packages"), HasSubstr("libpqxx-dev "));
  EXPECT_THAT(part_of(text, "packages"), Not(HasSubstr("dpkg-query:")));
  EXPECT_THAT(text, Not(HasSubstr(LAB_SOURCE)));
}

TEST_F(Bundle, IsMadeOfALabThatIsDownBrokenOrHalfThere) {
  EXPECT_THAT(report(), HasSubstr("nothing of the lab runs"));
  ASSERT_EQ(home_.up().status, 0);
  const Places &places = home_.places();
  std::ofstream(places.state()) << R"({"port": , "database": "host=h password=planted-1)";
  const std::string broken = report();
  EXPECT_THAT(part_of(broken, "lab status --json"), HasSubstr("can't be told: "));
  EXPECT_THAT(part_of(broken, "lab doctor"), HasSubstr("BAD  state.json"));
  EXPECT_THAT(broken, Not(HasSubstr("planted-")));
  fs::remove(places.state());
  ASSERT_EQ(home_.lab({"down"}).status, 0);
  for (const char *gone : {"strategies", "db", "page", "bin/lab_host"})
    fs::remove_all(places.app() / gone);
  fs::remove_all(places.postgres_folder());
  fs::remove_all(places.work());
  EXPECT_THAT(part_of(report(), "versions"), HasSubstr("lab_host     is not installed"));
}

TEST_F(Bundle, StandsInTheRecordsWhenNoFileIsNamed) {
  const auto said = home_.lab({"doctor", "--bundle"});
  EXPECT_EQ(said.status, 0) << said.err;
  std::vector<fs::path> reports;
  for (const auto &entry : fs::directory_iterator(home_.places().records()))
    if (entry.path().filename().string().starts_with("report-"))
      reports.push_back(entry.path());
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_THAT(said.out, HasSubstr(reports.front().string()));
}

TEST_F(Bundle, NeverOverwritesAFile) {
  const fs::path file = folder_.path() / "there";
  std::ofstream(file) << "mine";
  const fs::path link = folder_.path() / "link";
  fs::create_symlink(folder_.path() / "where it leads", link);
  for (const fs::path &one : {file, link, folder_.path()}) {
    const auto said = home_.lab({"doctor", "--bundle", one});
    EXPECT_EQ(said.status, 64);
    EXPECT_TRUE(is_one_line(said.err)) << said.err;
    EXPECT_THAT(said.err, HasSubstr("is there already, and is left as it is"));
  }
  EXPECT_EQ(text_of_file(file), "mine");
  EXPECT_FALSE(fs::exists(folder_.path() / "where it leads"));
  const auto said = home_.lab({"doctor", "--bundle", folder_.path() / "absent" / "x"});
  EXPECT_EQ(said.status, 64);
  EXPECT_TRUE(is_one_line(said.err)) << said.err;
  EXPECT_THAT(said.err, HasSubstr("make its folder first"));
  EXPECT_EQ(home_.lab({"doctor", "--bundle", "--json"}).status, 64);
}

TEST_F(Bundle, SaysInOneLineThatTheDiskIsFull) {
  if (!is_root())
    GTEST_SKIP() << "a small file system needs root";
  const TestDisk disk(folder_.path() / "disk", 4);
  disk.fill();
  const fs::path file = folder_.path() / "disk" / "report.txt";
  const auto said = home_.lab({"doctor", "--bundle", file});
  EXPECT_EQ(said.status, 64);
  EXPECT_TRUE(is_one_line(said.err)) << said.err;
  EXPECT_THAT(said.err, HasSubstr("free some space on that disk"));
  EXPECT_FALSE(fs::exists(file)) << "no half of one is left";
}

} // namespace
} // namespace lab::cli
