#include <chrono>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "host/events/pool_reporter.hpp"
#include "host/routes/routes.hpp"
#include "host/strategy_settings.hpp"

namespace lab::host {
namespace {

using nlohmann::json;

double milliseconds(pool::Duration d) {
  return std::chrono::duration<double, std::milli>(d).count();
}

// What a plugin wrote may not be UTF-8: it is text, and stays harmless.
std::string dumped(const json &value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

// Of the build before; null: it had none.
json state_json(const std::optional<pool::Handover> &state) {
  if (!state)
    return nullptr;
  return {{"bytes", state->bytes},
          {"taken", state->problem.empty()},
          {"problem", state->problem.empty() ? json(nullptr) : json(state->problem)}};
}

json status_json(const StrategyStatus &status) {
  return {{"name", status.name},
          {"state", name_of(status.state)},
          {"problem", status.problem.empty() ? json(nullptr) : json(status.problem)},
          {"tainted", status.tainted},
          {"explain", status.explain},
          {"generation", status.generation},
          {"build", status.build == 0 ? json(nullptr) : json(fmt::format("{:016x}", status.build))},
          {"params", params_json(status.params)},
          {"set", params_json(status.set)}};
}

json listed_json(const Listed &listed, const StrategyStatus &status) {
  const bool in_use = listed.name == status.name && !listed.problem;
  json params = json::array();
  for (const plugin::Param &param : listed.params) {
    json one = {{"name", param.name},
                {"type", plugin::type_name(param.type)},
                {"default", param.default_value},
                {"min", param.min},
                {"max", param.max},
                {"help", param.help}};
    if (in_use)
      for (const auto &[name, value] : status.params)
        if (name == param.name)
          one["value"] = value;
    params.push_back(std::move(one));
  }
  return {{"name", listed.name},
          {"summary", listed.summary},
          {"source", listed.folder == 0 ? "lab" : "my"},
          {"params", params},
          {"usable", !listed.problem},
          {"problem", listed.problem ? json(*listed.problem) : json(nullptr)},
          {"warnings", listed.warnings},
          {"in_use", in_use}};
}

pool::ParamValues wanted_params(const json &body) {
  const auto params = body.find("params");
  if (params == body.end() || params->is_null())
    return {};
  return params_of(*params, "\"params\"");
}

Answer use_strategy(StrategyService &strategies, const Call &call) {
  const json body = json_object(call);
  const auto name = body.find("name");
  if (name == body.end() || !name->is_string())
    throw Problem::bad_request("\"name\" must be a strategy's name");
  const bool fresh = body.contains("fresh") && body["fresh"] == true;
  try {
    const SwapResult done = strategies.use(name->get<std::string>(), wanted_params(body), fresh);
    return Answer::json(dumped({{"from", done.from},
                                {"to", done.to},
                                {"swapped", done.swapped},
                                {"took_ms", milliseconds(done.took)},
                                {"unmapped", done.unmapped},
                                {"state", state_json(done.state)},
                                {"params", params_json(done.params)}}));
  } catch (const StrategyRefused &refused) {
    switch (refused.kind) {
    case StrategyRefused::Kind::bad_name:
    case StrategyRefused::Kind::bad_params:
      throw Problem::bad_request(refused.what());
    case StrategyRefused::Kind::unknown:
      throw Problem::not_found(refused.what());
    case StrategyRefused::Kind::refused:
      break;
    }
    throw Problem(409, "strategy_refused", refused.what());
  }
}

} // namespace

void add_api_routes(Router &router, StrategyService &strategies, const PoolReporter &reporter) {
  router.add("GET", "/api/v1/strategies", false, [&strategies](Call &) {
    json all = json::array();
    const StrategyStatus status = strategies.status();
    for (const Listed &listed : strategies.list())
      all.push_back(listed_json(listed, status));
    return Answer::json(dumped(all));
  });
  router.add("GET", "/api/v1/strategy", false, [&strategies](Call &) {
    return Answer::json(dumped(status_json(strategies.status())));
  });
  router.add("PUT", "/api/v1/strategy", true,
             [&strategies](Call &call) { return use_strategy(strategies, call); });
  router.add("GET", "/api/v1/pool", false,
             [&reporter](Call &) { return Answer::json(dumped(reporter.now())); });
}

} // namespace lab::host
