#include <chrono>
#include <cmath>
#include <string>

#include <nlohmann/json.hpp>

#include "host/routes/routes.hpp"

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

json params_json(const pool::ParamValues &values) {
  json out = json::object();
  for (const auto &[name, value] : values)
    out[name] = std::nearbyint(value) == value && std::abs(value) < 1e15
                    ? json(static_cast<std::int64_t>(value))
                    : json(value);
  return out;
}

const char *state_name(StrategyState state) {
  switch (state) {
  case StrategyState::ok:
    return "ok";
  case StrategyState::builtin:
    return "builtin";
  case StrategyState::contained:
    return "contained";
  }
  return "builtin";
}

json status_json(const StrategyStatus &status) {
  return {{"name", status.name},
          {"state", state_name(status.state)},
          {"problem", status.problem.empty() ? json(nullptr) : json(status.problem)},
          {"tainted", status.tainted},
          {"generation", status.generation},
          {"params", params_json(status.params)}};
}

json plan_json(const pool::Plan &plan, std::uint32_t max_open) {
  return {{"max_in_use", plan.max_in_use},
          {"max_open", max_open},
          {"share", plan.share < POOL_LAB_MAX_SIZE ? json(plan.share) : json(nullptr)},
          {"min_idle", plan.min_idle},
          {"max_connecting", plan.max_connecting},
          {"max_waiting", plan.max_waiting},
          {"order", plan.order == pool::Order::fifo ? "fifo" : "lifo"},
          {"wait_timeout_ms", milliseconds(plan.wait_timeout)},
          {"idle_timeout_ms", milliseconds(plan.idle_timeout)},
          {"max_lifetime_ms", milliseconds(plan.max_lifetime)},
          {"next_look_ms", milliseconds(plan.next_look)}};
}

json pool_json(const LivePool::Snapshot &now, const StrategyStatus &status,
               const ServerWatch &server) {
  const pool::Counts &counts = now.counts;
  json out = {{"strategy", status.name},
              {"strategy_state", state_name(status.state)},
              {"generation", status.generation},
              {"now_ms", milliseconds(now.now.time_since_epoch())},
              {"open", now.levels.open},
              {"idle", now.levels.idle},
              {"in_use", now.levels.in_use},
              {"connecting", now.levels.connecting},
              {"waiting", now.levels.waiting},
              {"oldest_wait_ms", milliseconds(now.oldest_wait)},
              {"counts",
               {{"asked", counts.asked},
                {"served", counts.served},
                {"timed_out", counts.timed_out},
                {"refused", counts.refused},
                {"cancelled", counts.cancelled},
                {"failed", counts.failed},
                {"connects", counts.connects},
                {"connects_failed", counts.connects_failed},
                {"connects_refused", counts.connects_refused},
                {"closed", counts.closed},
                {"clamped", status.clamped}}},
              {"totals",
               {{"open_seconds", std::chrono::duration<double>(counts.open_time).count()},
                {"in_use_seconds", std::chrono::duration<double>(counts.in_use_time).count()}}},
              {"plan", plan_json(now.plan, now.max_open)},
              {"explain", status.explain},
              {"last_connect_error",
               now.last_connect_error.empty() ? json(nullptr) : json(now.last_connect_error)},
              {"server", nullptr}};
  if (const auto reading = server.last())
    out["server"] = {{"max_connections", reading->numbers.max_connections},
                     {"reserved", reading->numbers.reserved},
                     {"others", reading->numbers.total - reading->numbers.ours},
                     {"total", reading->numbers.total},
                     {"active", reading->numbers.active},
                     {"waiting_for_locks", reading->numbers.waiting_for_locks},
                     {"age_ms", milliseconds(now.now - reading->at)}};
  return out;
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
          {"in_use", in_use}};
}

pool::ParamValues wanted_params(const json &body) {
  pool::ParamValues values;
  const auto params = body.find("params");
  if (params == body.end() || params->is_null())
    return values;
  if (!params->is_object())
    throw Problem::bad_request("\"params\" must be an object of numbers");
  for (const auto &[name, value] : params->items()) {
    if (value.is_boolean())
      values.emplace_back(name, value.get<bool>() ? 1 : 0);
    else if (value.is_number())
      values.emplace_back(name, value.get<double>());
    else
      throw Problem::bad_request("parameter \"" + name + "\" must be a number");
  }
  return values;
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

void add_api_routes(Router &router, LivePool &pool, StrategyService &strategies,
                    const ServerWatch &server) {
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
  router.add("GET", "/api/v1/pool", false, [&pool, &strategies, &server](Call &) {
    return Answer::json(dumped(pool_json(pool.snapshot(), strategies.status(), server)));
  });
}

} // namespace lab::host
