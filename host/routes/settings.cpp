#include <nlohmann/json.hpp>

#include "host/routes/routes.hpp"
#include "host/strategy_settings.hpp"

namespace lab::host {
namespace {

using nlohmann::json;

Answer shown(const StrategyService &strategies) {
  const json all = settings_json(strategies.settings(), strategies.status().settings_problem);
  return Answer::json(all.dump(-1, ' ', false, json::error_handler_t::replace));
}

} // namespace

void add_settings_routes(Router &router, StrategyService &strategies) {
  router.add("GET", "/api/v1/settings", false, [&strategies](Call &) { return shown(strategies); });
  router.add("PUT", "/api/v1/settings", true, [&strategies](Call &call) {
    const SettingsChange change = settings_change(json_object(call));
    try {
      if (change.settings)
        strategies.change_settings(*change.settings, change.keep_set);
    } catch (const StrategyRefused &refused) {
      if (refused.kind == StrategyRefused::Kind::refused)
        throw Problem(409, "strategy_refused", refused.what());
      throw Problem::bad_request(refused.what());
    }
    strategies.note_settings_problem(change.problem);
    return shown(strategies);
  });
}

} // namespace lab::host
