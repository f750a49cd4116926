#include "loadtest/pool_view.hpp"

#include "loadtest/figures.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

namespace lab::load {
namespace {

std::string text_at(const nlohmann::json &json, const char *name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

std::int64_t count_at(const nlohmann::json &json, const char *path) {
  return std::llround(number_at(json, path));
}

// Strategy, its state and its generation: another one of any is another strategy.
std::string identity(const nlohmann::json &pool) {
  return fmt::format("{}/{}/{}", text_at(pool, "strategy"), text_at(pool, "strategy_state"),
                     number_at(pool, "generation"));
}

// What a sample says other than the one of the same host before it.
void note_changes(PoolView &view, const nlohmann::json &before, const nlohmann::json &now) {
  if (identity(before) != identity(now)) {
    ++view.strategy_changes;
    view.changed_to =
        fmt::format("{} ({})", text_at(now, "strategy"), text_at(now, "strategy_state"));
    return; // another one's settings are others, too
  }
  const nlohmann::json was = at(before, "params"), is = at(now, "params");
  if (!was.is_object() || !is.is_object())
    return;
  for (const auto &[name, value] : is.items())
    if (const auto old = was.find(name); old != was.end() && *old != value) {
      ++view.setting_changes;
      view.settings_changed.emplace(name, fmt::format("{} to {}", shown(*old), shown(value)));
    }
}

void view_changes(PoolView &view, const Recorded &recorded, std::int64_t to) {
  std::map<unsigned short, const nlohmann::json *> last;
  for (const PoolSample &sample : recorded.samples) {
    if (sample.at > to)
      continue;
    const nlohmann::json *&before = last[sample.port];
    if (before != nullptr)
      note_changes(view, *before, sample.pool);
    else if (view.params.is_null())
      view.params = at(sample.pool, "params");
    before = &sample.pool;
  }
}

} // namespace

PoolView view_pool(const Recorded &recorded, std::int64_t from, std::int64_t to) {
  struct OfHost {
    const nlohmann::json *first = nullptr;
    const nlohmann::json *last = nullptr;
  };
  std::map<unsigned short, OfHost> hosts;
  const auto sum = [&](const char *path) {
    std::int64_t total = 0;
    for (const auto &[port, host] : hosts)
      total += count_at(*host.last, path);
    return total;
  };

  PoolView view;
  view_changes(view, recorded, to);
  std::set<unsigned short> ports;
  for (const PoolSample &sample : recorded.samples)
    ports.insert(sample.port);
  for (const PoolSample &sample : recorded.samples) {
    if (sample.at < from || sample.at > to)
      continue;
    OfHost &host = hosts[sample.port];
    if (host.first == nullptr) {
      host.first = &sample.pool;
      if (view.strategy.empty())
        view.strategy = text_at(sample.pool, "strategy");
    }
    host.last = &sample.pool;
    if (hosts.size() < ports.size())
      continue; // sums mean something once every host has been heard

    ++view.samples;
    const std::int64_t limit = sum("plan.max_in_use");
    view.limit_min = view.samples == 1 ? limit : std::min(view.limit_min, limit);
    view.limit_max = std::max(view.limit_max, limit);
    view.samples_at_limit += limit > 0 && sum("in_use") >= limit ? 1 : 0;
    view.max_in_use = std::max(view.max_in_use, sum("in_use"));
    view.max_open = std::max(view.max_open, sum("open"));
    view.max_waiting = std::max(view.max_waiting, sum("waiting"));
    if (at(sample.pool, "server").is_object()) {
      view.server_known = true;
      view.max_connections = count_at(sample.pool, "server.max_connections");
      view.reserved = count_at(sample.pool, "server.reserved");
      view.server_total_max =
          std::max(view.server_total_max, count_at(sample.pool, "server.total"));
    }
  }

  view.limit = sum("plan.max_in_use");
  for (const auto &[port, host] : hosts) {
    const auto rise = [&host = host](const std::string &path) {
      return number_at(*host.last, path) - number_at(*host.first, path);
    };
    view.connection_seconds += rise("totals.open_seconds");
    const double seconds = rise("now_ms") / 1000;
    if (seconds > 0)
      view.in_use_mean += rise("totals.in_use_seconds") / seconds;
    const nlohmann::json counts = at(*host.last, "counts");
    if (counts.is_object())
      for (const auto &[name, value] : counts.items())
        if (value.is_number())
          view.counts[name] += static_cast<std::int64_t>(rise("counts." + name));
  }
  return view;
}

} // namespace lab::load
