// What a machine's PostgreSQL gives: for each kind of work the rate at several pool sizes, and
// the law that fits. Kept in .lab/calibration.json; profiles may take their rates from it.
// [any thread]
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "loadtest/calibration/usl.hpp"
#include "loadtest/profile.hpp"

namespace lab::calibration {

struct Work {
  std::string name;      // "hold", "contend", "insert"
  std::string what;      // one line for people
  load::Profile profile; // closed; its users are set for each size
};

// hold (50 ms), contend (5 rows), insert.
std::vector<Work> works();

// 1, 2, 4, ... up to 64, and never more than the server has room for.
std::vector<int> sizes(int room);

// So many users that the pool is always full, and few wait.
int users_for(int size);

struct Curve {
  std::string work;
  std::vector<Measured> measured; // by size
  std::optional<Usl> usl;
};

Curve curve_of(const std::string &work, std::vector<Measured> measured);

// {"work", "sizes": [{"size", "ok_per_second", "fitted"}], "usl": null or {"lambda", "sigma",
// "kappa", "best_size" (null: none), "mean_error_percent"}}
nlohmann::json json_of(const Curve &curve);

// Requests a second that `size` connections give of what the profile does all the time, by what
// json_of answered for all works. Holds of another length than the one measured are reckoned
// from it. Nothing when such work was not measured: other routes, several kinds of work in
// one, some requests that hold longer, stages that do something else.
std::optional<double> capacity(const nlohmann::json &curves, const load::Profile &profile,
                               double size);

// A table, and a sentence on where more stops to help. Ends with a newline.
std::string text_of(const nlohmann::json &curve);

} // namespace lab::calibration
