#include "loadtest/summary.hpp"

#include "loadtest/figures.hpp"

#include <gtest/gtest.h>

namespace lab::load {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr std::int64_t ms = 1'000'000;

// 1 s warm-up and 5 s measured, 100 requests a second, each answered after 50 ms.
Recorded made_up() {
  Recorded recorded;
  recorded.profile = profile_named("hold");
  recorded.profile.rate = 100;
  recorded.profile.warm_up = 1s;
  recorded.profile.measure = 5s;
  recorded.seed = 7;
  recorded.fingerprint = 0xABC;
  recorded.ended_sending = 6000 * ms;
  recorded.cores = 2;
  recorded.codes = {"ok", "pool_timeout", "query_failed", "db_unavailable", "not_sent"};
  for (std::int64_t due = 5 * ms; due < 6000 * ms; due += 10 * ms) {
    RequestLine line;
    line.due = due;
    line.taken = due + ms / 10;
    line.sent = due + 10 * ms;
    line.done = due + 60 * ms;
    line.wait = 2 * ms;
    line.hold = 50 * ms;
    recorded.requests.push_back(line);
  }
  recorded.strategy = {{"name", "made_up"}, {"params", {{"max", 10}}}};
  recorded.postgres_known = true;
  recorded.processor_measured.postgres = 0.05;
  return recorded;
}

template <class Which> void fail(Recorded &recorded, std::uint8_t outcome, Which which) {
  for (std::size_t i = 0; i < recorded.requests.size(); ++i)
    if (which(i)) {
      recorded.requests[i].outcome = outcome;
      recorded.requests[i].hold = -1;
    }
}

PoolSample sample(std::int64_t at, int in_use, int open, int waiting) {
  const double seconds = static_cast<double>(at) / 1e9;
  return {at,
          3000,
          {{"strategy", "made_up"},
           {"strategy_state", "ok"},
           {"generation", 4},
           {"now_ms", 777 + at / ms},
           {"in_use", in_use},
           {"open", open},
           {"waiting", waiting},
           {"totals", {{"open_seconds", 1 + 8 * seconds}, {"in_use_seconds", 2 + 5 * seconds}}},
           {"counts", {{"asked", at / ms}, {"connects_refused", 3}}},
           {"plan", {{"max_in_use", 10}}},
           {"server", {{"max_connections", 100}, {"reserved", 3}, {"total", open + 2}}}}};
}

// 50 of 500 had not been answered 3 s after they were due.
Recorded with_some_cut_off() {
  Recorded recorded = made_up();
  for (std::size_t i = 0; i < 50; ++i) {
    RequestLine &line = recorded.requests[recorded.requests.size() - 1 - i];
    line.cut_off = true;
    line.done = line.due + 3000 * ms;
    line.wait = line.hold = -1;
  }
  return recorded;
}

TEST(Summary, WhatIsStillOpenAtTheEndIsToldApart) {
  const json summary = summarise(with_some_cut_off());
  EXPECT_EQ(summary["sent"], 500);
  EXPECT_EQ(summary["ok"], 450);
  EXPECT_EQ(summary["cut_off"], 50);
  EXPECT_EQ(summary["failed"], json::object());
  EXPECT_EQ(summary["failed_percent"], 0);
  EXPECT_EQ(summary["settled"]["failed_percent"], 0);
  EXPECT_LT(summary["latency_ms"]["max"], 100) << "of successes";
  EXPECT_EQ(summary["codes"], json::object());
  EXPECT_NE(summary["why"].get<std::string>().find("50 of 500 requests were still open"),
            std::string::npos)
      << summary["why"];
}

TEST(Summary, NoStallAtTheEndLooksWell) {
  const json summary = summarise(with_some_cut_off());
  EXPECT_EQ(summary["slo_p99_ms"], nullptr);
  EXPECT_EQ(summary["grade"], "red") << "one in ten waited three seconds and more";
}

TEST(Summary, TellsRoutesAndCodesApart) {
  Recorded recorded = made_up(); // judged: 500 requests
  for (std::size_t i = 0; i < recorded.requests.size(); ++i) {
    RequestLine &line = recorded.requests[i];
    line.choice.route = i % 2 == 0 ? Route::hold_submit : Route::hold_claim;
    if (i % 10 == 0) // turned away at once
      line.outcome = 1, line.done = line.due + 2 * ms;
    else if (i % 10 == 1) // a long wait for nothing
      line.outcome = 2, line.done = line.due + 900 * ms;
  }
  const json summary = summarise(recorded);
  const json &submit = summary["routes"]["hold_submit"], &claim = summary["routes"]["hold_claim"];
  EXPECT_EQ(submit["sent"], 250);
  EXPECT_EQ(submit["ok"], 200);
  EXPECT_EQ(submit["failed"], (json{{"pool_timeout", 50}}));
  EXPECT_EQ(claim["failed"], (json{{"query_failed", 50}}));
  EXPECT_NEAR(claim["latency_ms"]["p99"].get<double>(), 60, 1);
  EXPECT_EQ(summary["codes"]["pool_timeout"]["count"], 50);
  EXPECT_NEAR(summary["codes"]["pool_timeout"]["latency_ms"]["p50"].get<double>(), 2, 0.1);
  EXPECT_NEAR(summary["codes"]["query_failed"]["latency_ms"]["p50"].get<double>(), 900, 9);

  auto histograms = histograms_of(recorded); // the parts add up to the whole
  Histogram both = histograms.at("latency:hold_submit");
  both.merge(histograms.at("latency:hold_claim"));
  EXPECT_EQ(both.to_json(), histograms.at("latency").to_json());
}

TEST(Summary, CountsOnlyTheMeasuredTime) {
  Recorded recorded = made_up();
  fail(recorded, 1, [](std::size_t i) { return i < 100; }); // all in the warm-up
  const json summary = summarise(recorded);
  EXPECT_EQ(summary["offered"], 500);
  EXPECT_EQ(summary["sent"], 500);
  EXPECT_EQ(summary["ok"], 500);
  EXPECT_TRUE(summary["failed"].empty());
  EXPECT_EQ(summary["seconds"], 5);
  EXPECT_EQ(summary["rate"], (json{{"offered", 100}, {"achieved", 100}, {"ok", 100}}));
  EXPECT_EQ(summary["schedule"], "0000000000000abc");
  EXPECT_EQ(summary["strategy"], "made_up");
  EXPECT_EQ(summary["verdict"], "pass");
  EXPECT_EQ(summary["grade"], "green");
  EXPECT_NEAR(summary["latency_ms"]["p99"].get<double>(), 60, 0.3);
  EXPECT_NEAR(summary["latency_sent_ms"]["p99"].get<double>(), 50, 0.3);
  EXPECT_EQ(summary["slo_p99_ms"], summary["latency_ms"]["p99"]);
  EXPECT_EQ(summary["pool"]["wait_ms"]["mean"], 2);
  EXPECT_EQ(summary["pool"]["needed"], 5); // 100 a second, 50 ms each
  EXPECT_EQ(summary["processor"]["postgres_percent"], 5);
  EXPECT_EQ(summary["by_second"].size(), 5U);
  EXPECT_EQ(summary["by_second"][0], (json{{"offered", 100}, {"ok", 100}, {"failed", 0}}));
  EXPECT_TRUE(summary["neighbour"].is_null());
  EXPECT_TRUE(summary["pool"]["limit"].is_null()); // nothing was sampled
}

// The 3 s count from the first request, so 2 s of the measured time are left out.
TEST(Summary, SettledLeavesOutTheFirstThreeSeconds) {
  Recorded recorded = made_up();
  fail(recorded, 1, [](std::size_t i) { return i >= 100 && i < 310; });
  const json settled = summarise(recorded)["settled"];
  EXPECT_EQ(settled["offered"], 300);
  EXPECT_EQ(settled["failed"], 10);
  EXPECT_EQ(settled["failed_percent"], 3.33);
}

// 4 of 500 failed: the p99 of all is the 495th of 496 successes, not the 492nd.
TEST(Summary, TheJudgedP99IsOfAllRequests) {
  Recorded recorded = made_up();
  fail(recorded, 1, [](std::size_t i) { return i >= 300 && i < 304; });
  for (std::size_t i = 310; i < 313; ++i)
    recorded.requests[i].done += 500 * ms;
  const json summary = summarise(recorded);
  EXPECT_NEAR(summary["latency_ms"]["p99"].get<double>(), 60, 0.3);
  EXPECT_NEAR(summary["slo_p99_ms"].get<double>(), 560, 3);
}

TEST(Summary, FailuresPerCode) {
  Recorded recorded = made_up();
  fail(recorded, 1, [](std::size_t i) { return i % 10 == 0; });
  fail(recorded, 2, [](std::size_t i) { return i % 100 == 5; });
  const json summary = summarise(recorded);
  EXPECT_EQ(summary["failed"], (json{{"pool_timeout", 50}, {"query_failed", 5}}));
  EXPECT_EQ(summary["ok"], 445);
  EXPECT_EQ(summary["failed_percent"], 11);
  EXPECT_EQ(summary["failed_main"],
            (json{{"code", "pool_timeout"}, {"count", 50}, {"percent", 10}}));
  EXPECT_EQ(summary["pool"]["turned_away_percent"], 10);
  EXPECT_TRUE(summary["slo_p99_ms"].is_null());
  EXPECT_EQ(summary["grade"], "red");
  EXPECT_EQ(summary["verdict"], "fail");
}

TEST(Summary, TheOriginalsRule) {
  EXPECT_EQ(grade_of(100, 0, 500), Grade::green);
  EXPECT_EQ(grade_of(100, 0, 500.1), Grade::yellow);
  EXPECT_EQ(grade_of(100, 1, 10), Grade::yellow);
  EXPECT_EQ(grade_of(100, 10, 2000), Grade::yellow);
  EXPECT_EQ(grade_of(100, 11, 10), Grade::red);
  EXPECT_EQ(grade_of(100, 0, 2000.1), Grade::red);
  EXPECT_EQ(grade_of(0, 0, 0), Grade::red);
}

TEST(Summary, ThePoolOverTheMeasuredTime) {
  Recorded recorded = made_up();
  recorded.samples = {sample(500 * ms, 99, 99, 99), // warm-up
                      sample(1000 * ms, 3, 6, 0), sample(3000 * ms, 7, 8, 5),
                      sample(6001 * ms, 4, 7, 0), sample(6500 * ms, 99, 99, 99)};
  recorded.samples[2].pool["plan"]["max_in_use"] = 7; // all that it allowed then
  const json summary = summarise(recorded);
  const json &pool = summary["pool"];
  EXPECT_EQ(pool["max_in_use"], 7);
  EXPECT_EQ(pool["max_open"], 8);
  EXPECT_EQ(pool["waiting_max"], 5);
  EXPECT_EQ(pool["limit"], 10);
  EXPECT_EQ(pool["limit_min"], 7);
  EXPECT_EQ(pool["limit_max"], 10);
  EXPECT_EQ(pool["at_limit_percent"], 33.3);
  EXPECT_EQ(pool["in_use_mean"], 5);
  EXPECT_EQ(pool["connection_seconds"], 40);
  EXPECT_EQ(pool["counts"]["asked"], 5001);
  EXPECT_EQ(pool["counts"]["connects_refused"], 0);
  EXPECT_EQ(
      summary["server"],
      (json{{"max_connections", 100}, {"reserved", 3}, {"available", 97}, {"total_max", 10}}));
}

TEST(Summary, TwoHostsAreAddedUp) {
  Recorded recorded = made_up();
  for (const std::int64_t at : {1000 * ms, 6000 * ms})
    for (const unsigned short port : {3000, 3001}) {
      recorded.samples.push_back(sample(at, 4, 6, 1));
      recorded.samples.back().port = port;
    }
  const json pool = summarise(recorded)["pool"];
  EXPECT_EQ(pool["max_in_use"], 8);
  EXPECT_EQ(pool["limit"], 20);
  EXPECT_EQ(pool["limit_min"], 20);
  EXPECT_EQ(pool["connection_seconds"], 80);
  EXPECT_EQ(pool["in_use_mean"], 10);
}

std::string reason(const json &summary) {
  EXPECT_EQ(summary["verdict"], "invalid");
  return summary["guards"]["reasons"].at(0).get<std::string>();
}

bool contains(const std::string &text, const std::string &part) {
  return text.find(part) != std::string::npos;
}

json codes(const json &summary) {
  EXPECT_EQ(summary["guards"]["codes"].size(), summary["guards"]["reasons"].size());
  return summary["guards"]["codes"];
}

TEST(Summary, ALateGeneratorProvesNothingAndNamesWhoTookTheProcessor) {
  Recorded recorded = made_up();
  for (RequestLine &line : recorded.requests)
    line.taken = line.due + 15 * ms;
  recorded.processor_measured.others = 1.4;
  recorded.processor_measured.top_other = "cc1plus";
  recorded.processor_measured.top_other_cores = 0.9;
  const std::string why = reason(summarise(recorded));
  EXPECT_TRUE(contains(why, "15 ms late")) << why;
  EXPECT_TRUE(contains(why, "cc1plus (0.9)")) << why;
}

TEST(Summary, RequestsThatWereNotSentMakeItInvalid) {
  Recorded recorded = made_up();
  recorded.capped = 20;
  for (std::size_t i = 200; i < 220; ++i) {
    recorded.requests[i].taken = recorded.requests[i].sent = -1;
    recorded.requests[i].outcome = 4;
  }
  const json summary = summarise(recorded);
  EXPECT_EQ(summary["offered"], 500);
  EXPECT_EQ(summary["sent"], 480);
  EXPECT_EQ(summary["ok"], 480);
  EXPECT_TRUE(summary["failed"].empty());
  EXPECT_TRUE(contains(reason(summary), "20 requests were not sent"));
}

TEST(Summary, AClosedRunIsInvalidOnlyWhenTheGeneratorWasInTheWay) {
  Recorded recorded = made_up();
  recorded.profile.model = Model::closed;
  for (RequestLine &line : recorded.requests)
    line.taken = line.due + 30 * ms; // saturation is what it is about
  recorded.processor_measured.postgres = 1.7;
  EXPECT_EQ(summarise(recorded)["verdict"], "pass");
  EXPECT_TRUE(summarise(recorded)["pool"]["needed"].is_null());
  recorded.loop_cores = 0.95;
  EXPECT_TRUE(contains(reason(summarise(recorded)), "95 % of a core"));
  recorded.loop_cores = 0.3;
  recorded.processor_measured.others = 1.5;
  EXPECT_EQ(summarise(recorded)["verdict"], "pass"); // it holds for 50 ms, as stated
  recorded.profile.hold = 40ms;
  EXPECT_EQ(summarise(recorded)["verdict"], "pass");
  recorded.profile.hold = 39ms;
  EXPECT_TRUE(contains(reason(summarise(recorded)), "75 % of it"));
  recorded.profile.hold = 0ms; // pure work
  EXPECT_TRUE(contains(reason(summarise(recorded)), "75 % of it"));
}

// Somebody else's server on this machine is one of "the others".
TEST(Summary, WherePostgresIsNotKnownOthersProveNothing) {
  Recorded recorded = made_up();
  recorded.profile.model = Model::closed;
  recorded.profile.hold = 0ms;
  recorded.processor_measured.others = 1.5;
  recorded.postgres_known = false;
  const json summary = summarise(recorded);
  EXPECT_EQ(summary["verdict"], "pass");
  EXPECT_TRUE(summary["processor"]["postgres_percent"].is_null());
  EXPECT_FALSE(contains(summary["why"], "PostgreSQL used")) << summary["why"];
}

TEST(Summary, ADatabaseThatWasNeverThereIsNotTheStrategysFault) {
  Recorded recorded = made_up();
  fail(recorded, 3, [](std::size_t) { return true; });
  EXPECT_TRUE(contains(reason(summarise(recorded)), "database could not be reached"));
  recorded = made_up();
  fail(recorded, 3, [](std::size_t i) { return i > 300; }); // it went away in mid-run
  EXPECT_EQ(summarise(recorded)["verdict"], "fail");
}

TEST(Summary, AnotherStrategyInMidRunIsInvalid) {
  Recorded recorded = made_up();
  recorded.samples = {sample(1000 * ms, 3, 6, 0), sample(3000 * ms, 7, 8, 5)};
  recorded.samples.back().pool["generation"] = 5;
  EXPECT_TRUE(contains(reason(summarise(recorded)), "changed in mid-run"));
}

TEST(Summary, TheCallerCanMarkARunInvalid) {
  json summary = summarise(made_up());
  mark_invalid(summary, "the database could not be reset");
  EXPECT_EQ(reason(summary), "the database could not be reset");
  EXPECT_TRUE(contains(summary["why"], "the database could not be reset"));
}

TEST(Summary, ASettingChangedInMidRunIsInvalidInTheWarmUpToo) {
  for (const std::int64_t changed_at : {700 * ms, 3000 * ms}) {
    Recorded recorded = made_up();
    for (const std::int64_t at : {0 * ms, 500 * ms, 700 * ms, 2000 * ms, 3000 * ms, 5000 * ms}) {
      recorded.samples.push_back(sample(at, 3, 6, 0));
      recorded.samples.back().pool["params"] = {{"max", at < changed_at ? 3.0 : 30.0},
                                                {"wait_ms", 200.0}};
    }
    const json summary = summarise(recorded);
    EXPECT_EQ(reason(summary), "a setting changed in mid-run: max 3 to 30");
    EXPECT_EQ(codes(summary), (json{"setting_changed"}));
    EXPECT_EQ(summary["params"], (json{{"max", 3}, {"wait_ms", 200}})) << "those it began with";
  }
}

TEST(Summary, SettingsChangedOnTwoHostsAndBackAreToldOnce) {
  Recorded recorded = made_up();
  for (const std::int64_t at : {1000 * ms, 3000 * ms, 5000 * ms})
    for (const unsigned short port : {3000, 3001}) {
      recorded.samples.push_back(sample(at, 3, 6, 0));
      recorded.samples.back().port = port;
      const bool changed = at == 3000 * ms;
      recorded.samples.back().pool["params"] = {{"max", changed ? 30.0 : 3.0},
                                                {"ratio", changed ? 0.25 : 1.5}};
    }
  EXPECT_EQ(reason(summarise(recorded)),
            "settings changed in mid-run: max 3 to 30, ratio 1.5 to 0.25");
}

TEST(Summary, AnotherStrategysSettingsAreNoChangeOfSettings) {
  Recorded recorded = made_up();
  recorded.samples = {sample(1000 * ms, 3, 6, 0), sample(3000 * ms, 7, 8, 5)};
  recorded.samples[0].pool["params"] = {{"max", 3}};
  recorded.samples[1].pool["params"] = {{"max", 10}};
  recorded.samples[1].pool["generation"] = 5;
  EXPECT_EQ(codes(summarise(recorded)), (json{"strategy_changed"}));
}

// Each reason has its word, in the same place.
TEST(Summary, EachReasonHasACode) {
  Recorded recorded = made_up();
  recorded.capped = 1;
  recorded.loop_cores = 0.95;
  for (RequestLine &line : recorded.requests)
    line.taken = line.due + 15 * ms;
  json summary = summarise(recorded);
  mark_invalid(summary, "the disc was full");
  EXPECT_EQ(codes(summary), (json{"not_sent", "lag", "generator_busy", "marked"}));

  recorded = made_up();
  recorded.codes.push_back("connect_failed");
  fail(recorded, 3, [](std::size_t) { return true; });
  EXPECT_EQ(codes(summarise(recorded)), (json{"database_away"}));
  fail(recorded, 5, [](std::size_t) { return true; });
  EXPECT_EQ(codes(summarise(recorded)), (json{"host_away"}));

  recorded = made_up();
  recorded.profile.model = Model::closed;
  recorded.profile.hold = 0ms;
  recorded.processor_measured.others = 1.5;
  EXPECT_EQ(codes(summarise(recorded)), (json{"machine_busy"}));
  recorded.requests.clear();
  EXPECT_EQ(codes(summarise(recorded))[0], "nothing_sent");
  EXPECT_EQ(codes(summarise(made_up())), json::array());
}

TEST(Summary, SaysWhatWasAskedAndWhen) {
  Recorded recorded = made_up();
  recorded.started_ms = 1'700'000'000'123;
  json summary = summarise(recorded);
  EXPECT_EQ(summary["hold_ms"], 50);
  EXPECT_EQ(summary["rate_asked"], 100);
  EXPECT_EQ(summary["started_ms"], 1'700'000'000'123);
  recorded.profile.model = Model::closed;
  recorded.profile.hold = 0ms;
  summary = summarise(recorded);
  EXPECT_TRUE(summary.at("hold_ms").is_null());
  EXPECT_TRUE(summary.at("rate_asked").is_null());
}

// 2 of 5 seconds: what failed in them failed, and what it cost is no other program's fault.
TEST(Summary, AFreezeIsToldAndMakesNoRunInvalid) {
  Recorded recorded = made_up();
  EXPECT_TRUE(summarise(recorded).at("fault").is_null());
  recorded.fault = FaultTime{"freeze", 2003 * ms, 4007 * ms};
  fail(recorded, 1, [](std::size_t i) { return i >= 210 && i < 400; });
  for (std::size_t i = 200; i < 210; ++i)
    recorded.requests[i].hold = 2000 * ms;
  json summary = summarise(recorded);
  EXPECT_EQ(summary["fault"], (json{{"name", "freeze"}, {"from_s", 2}, {"seconds", 2}}));
  EXPECT_EQ(summary["verdict"], "fail");
  EXPECT_TRUE(contains(summary["why"], "PostgreSQL was frozen for 2 s")) << summary["why"];
  EXPECT_TRUE(contains(summary["why"], "38 % of the requests failed")) << summary["why"];

  recorded.fault->name = "leak";
  EXPECT_TRUE(contains(summarise(recorded)["why"], "Connections leaked for 2 s in the middle"));
  recorded.fault->name = "freeze";

  recorded.profile.model = Model::closed;
  recorded.processor_measured.others = 1.5;
  EXPECT_EQ(summarise(recorded)["verdict"], "fail") << "the hold was as stated but for the freeze";
  recorded.fault.reset();
  EXPECT_EQ(codes(summarise(recorded)), (json{"machine_busy"}));
}

TEST(Summary, NothingAtAllIsInvalidAndDoesNotFail) {
  Recorded recorded;
  recorded.profile = profile_named("original");
  const json summary = summarise(recorded);
  EXPECT_TRUE(contains(reason(summary), "nothing was sent"));
  EXPECT_EQ(summary["sent"], 0);
  EXPECT_TRUE(summary["latency_ms"]["p99"].is_null());
}

void expect_rounded(const json &value, const std::string &where) {
  if (value.is_number_float())
    EXPECT_EQ(value.get<double>(), rounded(value.get<double>())) << where;
  else if (value.is_structured())
    for (const auto &item : value.items())
      expect_rounded(item.value(), where + "." + item.key());
}

// Or what a sentence says would differ from what the JSON says.
TEST(Summary, EveryFigureIsStoredRounded) {
  Recorded recorded = made_up();
  recorded.ended_sending -= 123'456'789;
  recorded.requests.erase(recorded.requests.begin() + 200, recorded.requests.begin() + 350);
  for (std::size_t i = 0; i < recorded.requests.size(); ++i) {
    RequestLine &line = recorded.requests[i];
    line.taken += static_cast<std::int64_t>(i) * 1'001;
    line.done += static_cast<std::int64_t>(i) * 7'777'777;
    line.hold = 50'123'456 + static_cast<std::int64_t>(i);
    line.wait = static_cast<std::int64_t>(i) * 1'234;
  }
  fail(recorded, 1, [](std::size_t i) { return i % 7 == 0; });
  recorded.samples = {sample(1000 * ms, 3, 6, 0), sample(3333 * ms, 7, 8, 5)};
  recorded.processor_measured.postgres = 0.123456;
  recorded.processor_measured.others = 1.0 / 3;
  recorded.loop_cores = 2.0 / 3;
  recorded.neighbour = NeighbourCount{33, 7, 0};
  expect_rounded(summarise(recorded), "summary");
}

TEST(Figures, AreRoundedOnceAndShownAsStored) {
  EXPECT_EQ(shown(json(rounded(1234.56))), "1235");
  EXPECT_EQ(shown(json(rounded(12.345))), "12.3");
  EXPECT_EQ(shown(json(rounded(1.2345))), "1.23");
  EXPECT_EQ(shown(json(rounded(0.12345))), "0.123");
  EXPECT_EQ(shown(json(rounded(0.0001))), "0");
  EXPECT_EQ(shown(json(rounded(-0.0001))), "0");
  EXPECT_EQ(shown(json(rounded(12'345'678.9))), "12345679");
  EXPECT_EQ(shown(json(rounded(0.0 / 0.0 * 1))), "0");
  EXPECT_EQ(shown(json(50)), "50");
  EXPECT_EQ(shown(json(-3)), "-3");
  EXPECT_EQ(shown(json()), "?");
  EXPECT_EQ(at(json{{"a", {{"b", 3}}}}, "a.b"), 3);
  EXPECT_TRUE(at(json{{"a", 1}}, "a.b").is_null());
}

} // namespace
} // namespace lab::load
