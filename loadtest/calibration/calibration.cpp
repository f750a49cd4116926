#include "loadtest/calibration/calibration.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "loadtest/figures.hpp"

namespace lab::calibration {
namespace {

using load::Route;
using nlohmann::json;

constexpr int largest = 64;

load::Profile closed(const std::string &name, std::vector<Route> cycle) {
  load::Profile profile;
  profile.name = name;
  profile.what = "calibration";
  profile.model = load::Model::closed;
  profile.users = 1;
  profile.cycle = std::move(cycle);
  profile.warm_up = std::chrono::milliseconds(500);
  profile.measure = std::chrono::milliseconds(2000);
  return profile;
}

constexpr std::chrono::milliseconds measured_hold{50};

// "" for what is not measured.
std::string work_of(Route route) {
  switch (route) {
  case Route::hold_submit:
  case Route::hold_claim:
    return "hold";
  case Route::contend:
    return "contend";
  case Route::submit_job:
    return "insert";
  default:
    return "";
  }
}

// "" where it is none of them, or not one all the time.
std::string work_of(const load::Profile &profile) {
  const std::string work = profile.cycle.empty() ? "" : work_of(profile.cycle.front());
  const auto is_it = [&](Route route) { return work_of(route) == work; };
  bool one = std::all_of(profile.cycle.begin(), profile.cycle.end(), is_it);
  for (const load::Stage &stage : profile.stages)
    one = one && std::all_of(stage.cycle.begin(), stage.cycle.end(), is_it);
  if (work == "hold")
    one = one && profile.holds().size() == 1 && profile.hold.count() > 0;
  if (work == "contend")
    one = one && profile.rows == load::most_rows;
  return one ? work : "";
}

// Figures of a law are far from 1: three digits that count.
double three_digits(double value) {
  if (value == 0 || !std::isfinite(value))
    return 0;
  const double scale = std::pow(10, 2 - std::floor(std::log10(std::abs(value))));
  return std::round(value * scale) / scale;
}

Usl usl_of(const json &json) {
  return {json.at("lambda"), json.at("sigma"), json.at("kappa")};
}

} // namespace

std::vector<Work> works() {
  load::Profile hold = closed("calibrate_hold", {Route::hold_submit});
  hold.hold = measured_hold;
  load::Profile contend = closed("calibrate_contend", {Route::contend});
  contend.rows = load::most_rows;
  return {{"hold", "requests that hold a connection for 50 ms", hold},
          {"contend", "short transactions that fight over 5 rows", contend},
          {"insert", "jobs submitted as fast as they go",
           closed("calibrate_insert", {Route::submit_job})}};
}

std::vector<int> sizes(int room) {
  std::vector<int> all;
  for (int size = 1; size <= std::min(room, largest); size *= 2)
    all.push_back(size);
  return all;
}

int users_for(int size) {
  return size + std::clamp(size / 2, 2, 16);
}

Curve curve_of(const std::string &work, std::vector<Measured> measured) {
  std::sort(measured.begin(), measured.end(),
            [](const Measured &a, const Measured &b) { return a.size < b.size; });
  const auto usl = fit(measured);
  return {work, std::move(measured), usl};
}

json json_of(const Curve &curve) {
  json sizes = json::array();
  for (const Measured &one : curve.measured)
    sizes.push_back(
        {{"size", std::lround(one.size)},
         {"ok_per_second", load::rounded(one.rate)},
         {"fitted", curve.usl ? json(load::rounded(curve.usl->rate(one.size))) : json()}});
  json all = {{"work", curve.work}, {"sizes", sizes}, {"usl", nullptr}};
  if (curve.usl) {
    const auto best = curve.usl->best_size();
    all["usl"] = {
        {"lambda", three_digits(curve.usl->lambda)},
        {"sigma", three_digits(curve.usl->sigma)},
        {"kappa", three_digits(curve.usl->kappa)},
        {"best_size", best ? json(load::rounded(*best)) : json()},
        {"mean_error_percent", load::rounded(mean_error_percent(*curve.usl, curve.measured))}};
  }
  return all;
}

std::optional<double> capacity(const json &curves, const load::Profile &profile, double size) {
  const std::string work = work_of(profile);
  for (const json &curve : curves)
    if (curve.at("work") == work && !curve.at("usl").is_null()) {
      const double rate = usl_of(curve.at("usl")).rate(size);
      return work != "hold" ? rate
                            : rate * static_cast<double>(measured_hold.count()) /
                                  static_cast<double>(profile.hold.count());
    }
  return std::nullopt;
}

std::string text_of(const json &curve) {
  using load::shown;
  std::string text = fmt::format("{:>12}  {:>8}  {:>8}\n", "connections", "ok/s", "the law");
  double most = 0, last = 0, last_size = 0;
  for (const json &one : curve.at("sizes")) {
    text +=
        fmt::format("{:>12}  {:>8}  {:>8}\n", shown(one.at("size")), shown(one.at("ok_per_second")),
                    one.at("fitted").is_null() ? "-" : shown(one.at("fitted")));
    last = one.at("ok_per_second");
    last_size = one.at("size");
    most = std::max(most, last);
  }
  const json &usl = curve.at("usl");
  if (usl.is_null())
    return text + "Too few sizes for a law.\n";
  const json &best = usl.at("best_size");
  if (best.is_null() || best.get<double>() > last_size)
    return text + "More gives more, as far as was tried.\n";
  return text +
         fmt::format("By the law it gives most at about {} connections; {} give {} of the most "
                     "that was seen.\n",
                     shown(json(std::round(best.get<double>()))), shown(json(last_size)),
                     shown(json(load::rounded(last / most))));
}

} // namespace lab::calibration
