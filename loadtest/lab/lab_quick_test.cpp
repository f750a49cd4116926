// What can be tried without a lab that is up.
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "db/child.hpp"
#include "loadtest/lab/cells.hpp"
#include "loadtest/lab/comparison_run.hpp"
#include "loadtest/lab/exit_status.hpp"
#include "loadtest/lab/hand_over.hpp"
#include "loadtest/lab/host_process.hpp"
#include "loadtest/lab/lesson.hpp"
#include "loadtest/lab/load_lock.hpp"
#include "loadtest/lab/load_options.hpp"
#include "loadtest/lab/named_profiles.hpp"
#include "loadtest/lab/places.hpp"
#include "loadtest/lab/ports.hpp"
#include "loadtest/lab/process.hpp"
#include "loadtest/lab/state.hpp"
#include "loadtest/lab/supervision.hpp"

namespace lab::cli {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::HasSubstr;

class Folder {
public:
  Folder() {
    std::string name = fs::temp_directory_path() / "pool-lab-test-XXXXXX";
    if (!::mkdtemp(name.data()))
      throw std::runtime_error("no temporary folder");
    path = name;
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  fs::path path;
};

std::string failure_of(const std::function<void()> &what) {
  try {
    what();
  } catch (const SetUpFailed &e) {
    return e.what();
  }
  return "";
}

// ---- state.json --------------------------------------------------------------

TEST(StateFile, BeginsWhereThePathBegins) {
  const Folder folder;
  const State state = StateFile(folder.path / "state.json").read();
  EXPECT_EQ(state.port, 3000);
  EXPECT_EQ(state.in_use.name, "fixed_tiny");
  EXPECT_TRUE(state.refused.empty());
}

TEST(StateFile, KeepsWhatIsWritten) {
  const Folder folder;
  const StateFile file(folder.path / "state.json");
  const auto since = std::chrono::system_clock::time_point(1'700'000'000'123ms);
  file.change([&](State &s) {
    s.port = 3500;
    s.in_use = {"adaptive", {{"floor", 3}, {"tolerance", 1.25}}};
    s.hosts = 2;
    s.loaded = {Choice{"mine"}, Choice{"other"}};
    s.trying = {Choice{"wild", {{"x", 1}}}, since, 1};
    s.refused["wild"] = "the host was ended by signal 11 (Segmentation fault)";
  });
  const State state = file.read();
  EXPECT_EQ(state.port, 3500);
  EXPECT_EQ(state.in_use, (Choice{"adaptive", {{"floor", 3}, {"tolerance", 1.25}}}));
  EXPECT_EQ(state.hosts, 2);
  EXPECT_EQ(state.loaded[0], Choice{"mine"});
  EXPECT_EQ(state.loaded[1], Choice{"other"});
  EXPECT_EQ(state.trying->choice, (Choice{"wild", {{"x", 1}}}));
  EXPECT_EQ(state.trying->since, since);
  EXPECT_EQ(state.trying->host, 1);
  EXPECT_EQ(state.refused.size(), 1u);
}

TEST(StateFile, ChangesOfManyAreNotLost) {
  const Folder folder;
  const StateFile file(folder.path / "state.json");
  std::vector<std::thread> writers;
  for (int w = 0; w < 4; ++w)
    writers.emplace_back([&file, w] {
      for (int i = 0; i < 25; ++i)
        file.change([&](State &s) { s.refused[fmt::format("s{}_{}", w, i)] = "reason"; });
    });
  for (std::thread &writer : writers)
    writer.join();
  EXPECT_EQ(file.read().refused.size(), 100u);
}

TEST(StateFile, ADamagedOneIsNamed) {
  const Folder folder;
  const auto path = folder.path / "state.json";
  for (const char *text : {"", "{", "[]", "{\"port\":\"x\"}"}) {
    std::ofstream(path) << text;
    EXPECT_THAT(failure_of([&] { StateFile(path).read(); }), HasSubstr(path.string())) << text;
  }
}

TEST(StateFile, OfALabBeforeThereWasASecondHostIsUnderstood) {
  const Folder folder;
  const auto path = folder.path / "state.json";
  std::ofstream(path) << R"({"port":3100,"in_use":{"name":"adaptive","params":{}},
    "loaded":{"name":"mine","params":{}},"trying":null,"refused":{}})";
  const State state = StateFile(path).read();
  EXPECT_EQ(state.port, 3100);
  EXPECT_EQ(state.hosts, 1);
  EXPECT_EQ(state.loaded[0], Choice{"mine"});
  EXPECT_FALSE(state.loaded[1]);
}

TEST(State, BlamesTheSwapUnderWayThenWhatIsLoaded) {
  const auto now = std::chrono::system_clock::now();
  State state;
  EXPECT_EQ(state.running(0, now).name, "fixed_tiny");
  state.loaded[0] = Choice{"loaded"};
  EXPECT_EQ(state.running(0, now).name, "loaded");
  state.trying = {Choice{"trying"}, now - 1s, 0};
  EXPECT_EQ(state.running(0, now).name, "trying");
  EXPECT_EQ(state.running(0, now + State::trying_limit).name, "loaded"); // its program was killed
}

TEST(State, BlamesASwapForItsOwnHostAlone) {
  const auto now = std::chrono::system_clock::now();
  State state;
  state.loaded = {Choice{"first"}, Choice{"second"}};
  state.trying = {Choice{"trying"}, now, 1};
  EXPECT_EQ(state.running(0, now).name, "first");
  EXPECT_EQ(state.running(1, now).name, "trying");
  state.trying.reset();
  EXPECT_EQ(state.running(1, now).name, "second");
}

// ---- one load at a time --------------------------------------------------------

TEST(LoadLock, SaysWhoHasIt) {
  const Folder folder;
  const auto file = folder.path / "load.lock";
  EXPECT_FALSE(LoadLock::owner(file));
  {
    const auto held = LoadLock::take(file, "lab compare");
    const auto why = failure_of([&] { LoadLock::take(file, "lab load hold"); });
    EXPECT_THAT(why, HasSubstr("lab compare"));
    EXPECT_THAT(why, HasSubstr(std::to_string(::getpid())));
    EXPECT_EQ(LoadLock::owner(file)->command, "lab compare");
  }
  EXPECT_FALSE(LoadLock::owner(file));
  LoadLock::take(file, "lab load hold");
}

TEST(LoadLock, ADeadOwnerHoldsNothing) {
  const Folder folder;
  const auto file = folder.path / "load.lock";
  std::ofstream(file) << R"({"pid":1,"started":1,"command":"lab load","since":"00:00:00"})";
  EXPECT_FALSE(LoadLock::owner(file));
  LoadLock::take(file, "lab load hold");
}

// ---- processes -----------------------------------------------------------------

TEST(Process, IsTheSameOnlyWithItsStart) {
  db::Child child({.argv = {"sleep", "60"}});
  const auto id = process(child.pid());
  ASSERT_TRUE(id);
  EXPECT_TRUE(alive(*id));
  EXPECT_FALSE(alive({id->pid, id->started + 1}));
  EXPECT_EQ(program_of(id->pid), "sleep");
  EXPECT_FALSE(program_was_replaced(id->pid));
  EXPECT_FALSE(EndWatch(*id).wait_for(0ms));
  EXPECT_TRUE(end_process(*id, 5s));
  EXPECT_FALSE(alive(*id)); // though nobody has reaped it
  EXPECT_EQ(child.wait_for(5s)->signal, SIGTERM);
}

TEST(Process, OneThatDoesNotHearIsEnded) {
  db::Child child({.argv = {"sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.05; done"},
                   .out = db::Output::captured()});
  ASSERT_EQ(child.line(5s), "ready");
  EXPECT_TRUE(end_process(*process(child.pid()), 100ms));
  EXPECT_EQ(child.wait_for(5s)->signal, SIGKILL);
}

TEST(Process, ThereIsNone) {
  EXPECT_FALSE(process(0));
  EXPECT_FALSE(process(-1));
  EXPECT_FALSE(process(999'999'999));
}

TEST(HostRecord, AStaleOneIsNoHost) {
  const Folder folder;
  const Places places(folder.path, folder.path);
  EXPECT_FALSE(recorded_host(places));
  std::ofstream(places.host_record()) << R"({"pid":1,"started":1,"port":3000})";
  EXPECT_FALSE(recorded_host(places));
  std::ofstream(places.host_record()) << "{";
  EXPECT_FALSE(recorded_host(places));
}

TEST(HostRecord, TheSecondHostsIsApart) {
  const Folder folder;
  const Places places(folder.path, folder.path);
  const auto self = process(::getpid());
  ASSERT_TRUE(self);
  std::ofstream(places.host_record(1))
      << fmt::format(R"({{"pid":{},"started":{},"port":3001}})", self->pid, self->started);
  EXPECT_FALSE(recorded_host(places));
  ASSERT_TRUE(recorded_host(places, 1));
  EXPECT_EQ(recorded_host(places, 1)->port, 3001);
  EXPECT_EQ(places.host_log(1).filename(), "host-2.log");
  EXPECT_EQ(places.copies(1).filename(), "copies-2");
}

TEST(Process, AReplacedProgramIsNoticed) {
  const Folder folder;
  const auto program = folder.path / "sleeper";
  fs::copy_file("/bin/sleep", program);
  const db::Child child({.argv = {program, "60"}});
  EXPECT_FALSE(program_was_replaced(child.pid()));
  fs::remove(program);
  fs::copy_file("/bin/sleep", program);
  EXPECT_TRUE(program_was_replaced(child.pid()));
  EXPECT_EQ(program_of(child.pid()), "sleeper");
  end_process(*process(child.pid()), 5s);
}

// ---- ports -----------------------------------------------------------------------

TEST(Ports, SayWhoHasOneAndOfferAnother) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr *>(&address), size), 0);
  ASSERT_EQ(::listen(fd, 1), 0);
  ::getsockname(fd, reinterpret_cast<sockaddr *>(&address), &size);
  const unsigned short port = ntohs(address.sin_port);

  EXPECT_FALSE(port_is_free(port));
  EXPECT_EQ(listener_on(port)->pid, ::getpid());
  const auto why = failure_of([&] { require_ports(port, 1, {}); });
  EXPECT_THAT(why, HasSubstr(fmt::format("port {} is in use by lab_quick_test", port)));
  EXPECT_THAT(why, HasSubstr(fmt::format("process {}", ::getpid())));
  EXPECT_THAT(why, HasSubstr("--port "));
  EXPECT_EQ(failure_of([&] { require_ports(port, 1, {::getpid()}); }), ""); // it is ours
  // Two hosts need the next one as well.
  const auto second =
      failure_of([&] { require_ports(static_cast<unsigned short>(port - 1), 2, {}); });
  EXPECT_THAT(second, HasSubstr("in use by"));
  EXPECT_THAT(second, HasSubstr("--port "));

  ::close(fd);
  EXPECT_TRUE(port_is_free(port));
  EXPECT_FALSE(listener_on(port));
}

// ---- what comes after a host that ended --------------------------------------------

using How = HostEnd::How;

TEST(HostEnd, TellsWhoEndedIt) {
  EXPECT_EQ(HostEnd::how_of(137, SIGKILL, false), How::from_outside);
  EXPECT_EQ(HostEnd::how_of(143, SIGTERM, false), How::from_outside);
  EXPECT_EQ(HostEnd::how_of(0, 0, true), How::from_outside); // it drained
  EXPECT_EQ(HostEnd::how_of(0, 0, false), How::by_itself);   // a strategy called exit(0)
  EXPECT_EQ(HostEnd::how_of(70, 0, true), How::by_itself);
  EXPECT_EQ(HostEnd::how_of(139, SIGSEGV, false), How::by_itself);
  EXPECT_EQ(HostEnd::how_of(134, SIGABRT, false), How::by_itself);
}

TEST(RestartRule, KilledFromOutsideGoesOnAsBefore) {
  RestartRule rule;
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(rule.after({How::from_outside, 6s}), (NextStart{false, false, 0ms}));
}

TEST(RestartRule, KilledInItsFirstSecondsGoesOnAsBeforeOnce) {
  RestartRule rule;
  EXPECT_EQ(rule.after({How::from_outside, 1s}), (NextStart{false, false, 0ms}));
  EXPECT_EQ(rule.after({How::from_outside, 1s}), (NextStart{true, false, 0ms}));
  rule.begin_anew();
  EXPECT_EQ(rule.after({How::from_outside, 1s}), (NextStart{false, false, 0ms}));
}

TEST(RestartRule, ACrashRefusesTheStrategy) {
  RestartRule rule;
  EXPECT_EQ(rule.after({How::by_itself, 60s}), (NextStart{true, true, 0ms}));
  EXPECT_EQ(rule.after({How::by_itself, 60s}), (NextStart{true, true, 0ms}));
}

TEST(RestartRule, WhatCannotStartIsTriedEverMoreSeldom) {
  RestartRule rule;
  std::vector<std::chrono::milliseconds> pauses;
  for (int i = 0; i < 40; ++i)
    pauses.push_back(rule.after({How::at_the_start, 0ms}).pause);
  EXPECT_EQ(pauses[0], 1s);
  EXPECT_EQ(pauses[1], 2s);
  EXPECT_EQ(pauses[3], 8s);
  EXPECT_EQ(pauses[4], 10s);
  EXPECT_EQ(pauses[39], 10s);
}

// ---- the command line ----------------------------------------------------------------

TEST(JsonOption, AFileOrTheNextWord) {
  const std::vector<std::string> names = {"hold", "adaptive"};
  const auto plain = [&](std::vector<std::string> words) { return with_plain_json(words, names); };
  using Words = std::vector<std::string>;
  EXPECT_EQ(plain({"load", "hold", "--json"}), (Words{"load", "hold", "--json=-"}));
  EXPECT_EQ(plain({"load", "hold", "--json", "out"}), (Words{"load", "hold", "--json=out"}));
  EXPECT_EQ(plain({"load", "--json", "hold"}), (Words{"load", "--json=-", "hold"}));
  EXPECT_EQ(plain({"compare", "--json", "adaptive"}), (Words{"compare", "--json=-", "adaptive"}));
  EXPECT_EQ(plain({"compare", "--json", "--seed", "1"}),
            (Words{"compare", "--json=-", "--seed", "1"}));
  EXPECT_EQ(plain({"psql", "--", "x", "--json"}), (Words{"psql", "--", "x", "--json"}));
}

TEST(Settings, AreNumbers) {
  EXPECT_EQ(parse_setting("max=30"), (std::pair<std::string, double>{"max", 30}));
  EXPECT_EQ(parse_setting("on=true").second, 1);
  for (const char *wrong : {"", "max", "=3", "max=", "max=3x", "max=nan", "max=inf", "max=1=2"})
    EXPECT_NE(failure_of([&] { parse_setting(wrong); }), "") << wrong;
  const auto by_strategy = parse_settings_by_strategy({"a.max=1", "b.x=2", "a.y=0.5"});
  EXPECT_EQ(by_strategy.at("a").at("y"), 0.5);
  EXPECT_EQ(by_strategy.at("b").at("x"), 2);
  for (const char *wrong : {"max=1", ".max=1", "a=1.5", "a.=1"})
    EXPECT_NE(failure_of([&] { parse_settings_by_strategy({wrong}); }), "") << wrong;
}

// A place without profiles of the learner's.
load::Profile named(const std::string &profile) {
  return profile_called(Places("/nonexistent", "/nonexistent"), profile);
}

TEST(LoadOptions, ShapeAProfile) {
  LoadOptions options;
  options.users = 20;
  options.seconds = 1.5;
  options.warm_up = 0.25;
  const load::Profile hold = options.apply(named("hold"));
  EXPECT_EQ(hold.model, load::Model::closed);
  EXPECT_EQ(hold.users, 20);
  EXPECT_EQ(hold.measure, 1500ms);
  EXPECT_EQ(hold.warm_up, 250ms);
}

TEST(LoadOptions, RefuseWhatCannotBe) {
  const auto failure = [](const std::function<void(LoadOptions &)> &set, const char *profile) {
    LoadOptions options;
    set(options);
    return failure_of([&] { options.apply(named(profile)); });
  };
  EXPECT_NE(failure([](auto &o) { o.users = 0; }, "hold"), "");
  EXPECT_NE(failure([](auto &o) { o.rate = -1; }, "hold"), "");
  EXPECT_NE(failure([](auto &o) { o.seconds = 0; }, "hold"), "");
  EXPECT_NE(failure([](auto &o) { o.seconds = 1e300; }, "hold"), "");
  EXPECT_NE(failure([](auto &o) { o.warm_up = -1; }, "hold"), "");
  EXPECT_NE(failure([](auto &o) { o.users = 5, o.rate = 5; }, "hold"), "");
  EXPECT_NE(failure([](auto &o) { o.users = 5, o.model = "open"; }, "hold"), "");
  EXPECT_NE(failure([](auto &o) { o.model = "open"; }, "contended"), ""); // no open form
  EXPECT_NE(failure([](auto &o) { o.hold = 0; }, "hold"), "");
  EXPECT_NE(failure([](auto &o) { o.hold = 5001; }, "hold"), "");
  EXPECT_THAT(failure([](auto &o) { o.hold = 50; }, "contended"), HasSubstr("leave out --hold"));
  EXPECT_NE(failure([](auto &o) { o.hold = 50; }, "original"), "");
  EXPECT_NE(failure([](auto &) {}, "nosuch"), "");
}

// The host never begins a hold that would end too late, so every request would fail.
TEST(LoadOptions, AHoldHasToFitInTheDeadline) {
  LoadOptions options;
  options.hold = 1200;
  EXPECT_THAT(failure_of([&] { options.apply(named("ceiling")); }),
              HasSubstr("does not fit in its deadline of 1300 ms"));
  options.hold = 1199;
  EXPECT_EQ(options.apply(named("ceiling")).hold, 1199ms);
  options.hold = 5000;
  const load::Profile hold = options.apply(named("hold"));
  EXPECT_EQ(hold.hold, 5000ms);
  EXPECT_THAT(hold.what, HasSubstr("(here held 5000 ms)"));
}

TEST(OwnProfiles, AreFoundByNameAndByFileAndToldWithTheLineOfAMistake) {
  const Folder folder;
  const Places places(folder.path / "home", folder.path / "work");
  fs::create_directories(places.my_profiles());
  const auto write = [](const fs::path &file, const std::string &text) {
    std::ofstream(file) << text;
  };
  const std::string good = "what = \"x\"\nmodel = \"open\"\nrate = 7\nroutes = [\"touch\"]\n";
  write(places.my_profiles() / "mine.toml", good);
  write(folder.path / "elsewhere.toml", good);
  write(places.my_profiles() / "wrong.toml", good + "rates = 3\n");
  EXPECT_EQ(profile_called(places, "mine").rate, 7);
  EXPECT_EQ(profile_called(places, "mine").name, "mine");
  EXPECT_EQ(profile_called(places, (folder.path / "elsewhere.toml").string()).name, "elsewhere");
  EXPECT_EQ(own_profile_names(places), (std::vector<std::string>{"mine", "wrong"}));
  EXPECT_THAT(failure_of([&] { profile_called(places, "wrong"); }),
              testing::AllOf(HasSubstr("wrong.toml"), HasSubstr("5"), HasSubstr("rates"),
                             HasSubstr("rate,")));
  EXPECT_THAT(failure_of([&] { profile_called(places, "nosuch"); }),
              testing::AllOf(HasSubstr("hold"), HasSubstr("yours: mine")));
  write(places.my_profiles() / "hold.toml", good);
  EXPECT_THAT(failure_of([&] { profile_called(places, "hold"); }), HasSubstr("another name"));
}

TEST(OwnProfiles, TakeTheirRateFromWhatWasMeasuredHere) {
  const Folder folder;
  const Places places(folder.path / "home", folder.path / "work");
  LoadOptions open;
  open.model = "open";
  EXPECT_THAT(failure_of([&] { open.apply(profile_called(places, "contended")); }),
              HasSubstr("scripts/lab calibrate"));
  EXPECT_EQ(LoadOptions().apply(profile_called(places, "contended")).model, load::Model::closed);
  fs::create_directories(places.records());
  // 10 connections: 1000 * 10 / (1 + 0.1 * 9 + 0.001 * 90) = 5025; 80 % of it.
  std::ofstream(places.calibration())
      << R"({"curves": [{"work": "contend", "usl": {"lambda": 1000, "sigma": 0.1, "kappa": 0.001}}]})";
  EXPECT_EQ(open.apply(profile_called(places, "contended")).rate, 4020);
  open.rate = 7;
  EXPECT_EQ(open.apply(profile_called(places, "contended")).rate, 7) << "what is said counts";
  open.rate.reset();
  for (const char *damaged : {"not JSON", R"({"curves": [{}]})", R"({"curves": 3})",
                              R"({"curves": [{"work": "contend", "usl": {"lambda": "x"}}]})"}) {
    std::ofstream(places.calibration()) << damaged;
    EXPECT_THAT(failure_of([&] { open.apply(profile_called(places, "contended")); }),
                HasSubstr("scripts/lab calibrate"))
        << damaged;
  }
}

TEST(EstimatedTime, CountsWhatIsAroundTheCellsToo) {
  Comparison comparison{"lab", {}, {}, 1};
  for (const std::string &name : lesson_profiles())
    comparison.profiles.push_back(load::for_compare(named(name)));
  for (const std::string &name : lesson_strategies())
    comparison.strategies.push_back({name});
  EXPECT_EQ(comparison.cells().size(), 12u);
  EXPECT_EQ(comparison.cells().front().strategy->name, "fixed_tiny");
  EXPECT_EQ(comparison.cells().front().profile.name, "hold");
  EXPECT_GT(estimated_time(comparison.cells()), 12 * 7s);
  EXPECT_LT(estimated_time(comparison.cells()), 120s);
}

// The program itself: 64 and one line on standard error, for wrong usage and for
// what isn't there yet.
TEST(Program, WrongUsageIs64) {
  const Folder folder;
  const auto lab = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), LAB_PROGRAM);
    return db::run(
        {.argv = arguments,
         .environment = {{"LAB_HOME", folder.path / "home"}, {"LAB_WORK", folder.path / "work"}}},
        20s);
  };
  using Words = std::vector<std::string>;
  for (const Words &wrong : {Words{"nosuch"},
                             Words{"load"},
                             Words{"load", "nosuch"},
                             Words{"load", "hold", "more"},
                             Words{"load", "hold", "--users", "x"},
                             Words{"load", "hold", "--model", "half"},
                             Words{"load", "hold", "--fault", "restart"},
                             Words{"fault", "nosuch"},
                             Words{"fault", "take"},
                             Words{"fault", "take", "1001"},
                             Words{"fault", "freeze", "--seconds", "121"},
                             Words{"fault", "terminate", "--times", "0"},
                             Words{"fault", "slow-connects", "10001"},
                             Words{"fault", "leak", "5", "--seconds", "0"},
                             Words{"fault", "kill"},
                             Words{"load", "original", "--hold", "50"},
                             Words{"compare", "--profile", "ceiling", "--hold", "1250"},
                             Words{"compare", "--fault", "freeze"},
                             Words{"use"},
                             Words{"use", "adaptive"},
                             Words{"use", "adaptive", "--set", "x"},
                             Words{"compare", "--set", "x"},
                             Words{"compare", "adaptive", "--set", "fixed_tiny.max=1"},
                             Words{"compare", "--profile", "nosuch"},
                             Words{"up", "--port", "80"},
                             Words{"up", "--port", "99999"},
                             Words{"up", "--hosts", "0"},
                             Words{"up", "--hosts", "3"},
                             Words{"--port"},
                             Words{"reset"},
                             Words{"psql"},
                             Words{"strategies"},
                             Words{"logs"},
                             Words{"logs", "nosuch"},
                             Words{"up", "down"}}) {
    const auto said = lab(wrong);
    EXPECT_EQ(said.ended.status, 64) << testing::PrintToString(wrong) << said.output;
    EXPECT_THAT(said.output, testing::StartsWith("lab: "));
    EXPECT_EQ(std::count(said.output.begin(), said.output.end(), '\n'), 1) << said.output;
  }
  for (const Words &help : {Words{"--help"}, Words{"load", "--help"}, Words{"psql", "--help"}})
    EXPECT_EQ(lab(help).ended.status, 0) << testing::PrintToString(help);
  EXPECT_EQ(lab({"status"}).ended.status, 1);
  EXPECT_EQ(lab({"url"}).ended.status, 1);
  EXPECT_EQ(lab({"down"}).ended.status, 0);
  EXPECT_FALSE(fs::exists(folder.path / "home")) << "looking made something";
}

// Others use that one: not even the lab is started.
TEST(Program, ALoadThatFreezesAForeignDatabaseIsRefusedBeforeAnythingStarts) {
  const Folder folder;
  const Places places(folder.path / "home", folder.path / "work");
  fs::create_directories(places.records());
  StateFile(places.state()).change([](State &s) { s.database = "postgresql://me@far.example/it"; });
  const auto said = db::run({.argv = {LAB_PROGRAM, "load", "hold", "--fault", "freeze"},
                             .environment = places.environment()},
                            20s);
  EXPECT_EQ(said.ended.status, 64);
  EXPECT_THAT(said.output, HasSubstr("load --fault freeze is for the lab's own PostgreSQL"));
  EXPECT_EQ(std::count(said.output.begin(), said.output.end(), '\n'), 1) << said.output;
  EXPECT_FALSE(fs::exists(places.home()));
}

// ---- the learner's own strategies ----------------------------------------------------

TEST(HandOver, FollowsTheOriginals) {
  const Folder folder;
  const Places places(folder.path / "home", folder.path / "work");
  fs::create_directories(places.my_strategies());
  fs::create_directories(places.handed_over());
  const auto text = [&](const char *name) {
    std::ifstream file(places.handed_over() / name);
    std::string line;
    std::getline(file, line);
    return line;
  };
  std::ofstream(places.my_strategies() / "mine.so") << "first";
  std::ofstream(places.my_strategies() / "mine.cpp") << "source";
  hand_over_strategies(places);
  EXPECT_EQ(text("mine.so"), "first");
  EXPECT_FALSE(fs::exists(places.handed_over() / "mine.cpp"));

  std::ofstream(places.my_strategies() / "mine.so") << "the second";
  hand_over_strategies(places);
  EXPECT_EQ(text("mine.so"), "the second");

  fs::remove(places.my_strategies() / "mine.so");
  hand_over_strategies(places);
  EXPECT_TRUE(fs::is_empty(places.handed_over()));
}

} // namespace
} // namespace lab::cli
