#include "host/strategy_service.hpp"

#include <algorithm>
#include <chrono>
#include <system_error>
#include <utility>

#include <spdlog/spdlog.h>

#include "host/containment.hpp"
#include "host/strategy_post.hpp"

namespace lab::host {

const char *name_of(StrategyState state) {
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

StrategyService::StrategyService(const Clock &clock, LivePool &pool, Options options,
                                 ServerNumbers server)
    : clock_(clock), pool_(pool), options_(std::move(options)), server_(std::move(server)),
      catalogue_(options_.folders, options_.verifier), settings_(options_.settings) {
  std::error_code ignored; // what can't be removed is in nobody's way: names are fresh
  for (const auto &old : std::filesystem::directory_iterator(options_.copies, ignored))
    std::filesystem::remove(old.path(), ignored);
  post_ = open_post();
  watchdog_ = std::jthread([this](std::stop_token stop) { watch(stop); });
}

StrategyService::~StrategyService() {
  shut_down(); // while the watchdog can still end it
  watchdog_.request_stop();
  wake_watchdog();
  watchdog_.join();
  if (putting_back_.joinable()) // only now: the watchdog assigns it
    putting_back_.join();
  close_post(*post_);
}

void StrategyService::shut_down() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(ending_, true))
      return;
  }
  constexpr std::chrono::milliseconds moment{20};
  std::unique_lock one_at_a_time(swap_mutex_, std::defer_lock);
  while (!one_at_a_time.try_lock_for(moment))
    if (status().tainted)
      return;
  std::future<SwapResult> ended = queue_order(status().name, [](Post &post) {
    if (auto last = post.governor.go_builtin())
      (void)post.governor.retire(std::move(*last));
    return SwapResult{};
  });
  while (ended.wait_for(moment) != std::future_status::ready)
    if (status().tainted)
      return;
}

SwapResult StrategyService::use(const std::string &name, const pool::ParamValues &params,
                                bool fresh) {
  const std::lock_guard one_at_a_time(swap_mutex_);
  return use_now(name, params, fresh);
}

SwapResult StrategyService::use_now(const std::string &name, const pool::ParamValues &params,
                                    bool fresh) {
  if (!plugin::valid_name(name))
    throw StrategyRefused(
        StrategyRefused::Kind::bad_name,
        "a strategy's name is its file's stem: small letters, digits and _, no path");
  const auto found = catalogue_.find(name);
  if (!found)
    throw StrategyRefused(StrategyRefused::Kind::unknown, "there is no strategy called " + name);

  const std::uint64_t content = StrategyCatalogue::fingerprint(found->path);
  bool same = false;
  {
    const std::lock_guard lock(mutex_);
    same = status_.name == name && status_.build == content;
  }
  if (same && !fresh)
    return set_params(params);
  return swap(*found, params);
}

SwapResult StrategyService::set_params(const pool::ParamValues &params) {
  const pool::Time begun = clock_.now();
  const std::string name = status().name;
  SwapResult result = give_order(name, [this, params, name](Post &post) {
    (void)values_in_force(post); // it may have fallen before this came to its turn
    if (const auto failure = post.governor.set(params))
      refuse_settings(post, *failure);
    look(post, After::new_settings);
    SwapResult done;
    done.from = done.to = name;
    done.params = values_in_force(post);
    return done;
  });
  result.took = clock_.now() - begun;
  const std::lock_guard lock(mutex_);
  if (status_.name != name) // it fell meanwhile
    return result;
  status_.params = result.params;
  status_.set = over(status_.set, params);
  // Asked for by its name, it is what is wanted, also where it had been put back.
  status_.state = StrategyState::ok;
  status_.problem.clear();
  options_.on_event({StrategyEvent::Kind::params, name, "", "", result.params});
  return result;
}

void StrategyService::change_settings(const StrategySettings &settings, bool keep_set) {
  const std::lock_guard one_at_a_time(swap_mutex_);
  check_settings(settings);
  const StrategyStatus now = status();
  const pool::ParamValues set = keep_set ? now.set : pool::ParamValues{};
  SwapResult result;
  if (!now.name.empty()) {
    const auto table = settings.find(now.name);
    result = give_order(now.name, [&](Post &post) {
      SwapResult done;
      done.params = values_in_force(post);
      const auto &params = post.governor.strategy()->library->params();
      pool::ParamValues wanted;
      for (const plugin::Param &param : params)
        wanted.emplace_back(param.name, param.default_value);
      if (table != settings.end())
        wanted = over(wanted, fitting(table->second, params));
      wanted = over(wanted, set);
      // Only what changes is set: a strategy may begin anew when it is.
      std::erase_if(wanted, [&](const auto &value) {
        return std::find(done.params.begin(), done.params.end(), value) != done.params.end();
      });
      if (wanted.empty())
        return done;
      if (const auto failure = post.governor.set(wanted))
        refuse_settings(post, *failure);
      look(post, After::new_settings);
      done.params = values_in_force(post);
      return done;
    });
  }
  const std::lock_guard lock(mutex_);
  settings_ = settings;
  if (!keep_set) // nor of one that would be put back
    for (std::optional<Wanted> *const other : {&last_good_, &put_back_})
      if (*other)
        (*other)->params.clear();
  if (now.name.empty() || status_.name != now.name)
    return; // none is in use, or it fell meanwhile
  status_.params = result.params;
  status_.set = set;
  options_.on_event({StrategyEvent::Kind::params, now.name, "", "", result.params});
}

// A strategy that can't be used tells no parameters: its table waits for it.
void StrategyService::check_settings(const StrategySettings &settings) {
  for (const auto &[name, table] : settings) {
    if (!plugin::valid_name(name))
      throw StrategyRefused(StrategyRefused::Kind::bad_name,
                            "a table is called after a strategy: small letters, digits and _");
    const auto found = catalogue_.find(name);
    if (!found)
      throw StrategyRefused(StrategyRefused::Kind::unknown, "there is no strategy called " + name);
    const plugin::Verdict verdict =
        catalogue_.verdict_on(found->path, StrategyCatalogue::fingerprint(found->path));
    if (!verdict.ok)
      continue;
    if (const auto problem = problem_with(table, verdict.params))
      throw StrategyRefused(StrategyRefused::Kind::bad_params, name + ": " + *problem);
  }
}

pool::ParamValues StrategyService::settings_of(const std::string &name) const {
  const std::lock_guard lock(mutex_);
  const auto table = settings_.find(name);
  return table == settings_.end() ? pool::ParamValues{} : table->second;
}

SwapResult StrategyService::swap(const plugin::Found &found, const pool::ParamValues &params) {
  using Kind = StrategyRefused::Kind;
  const pool::Time begun = clock_.now();
  std::uint64_t generation = 0;
  {
    const std::lock_guard lock(mutex_);
    generation = ++last_generation_;
  }

  std::filesystem::path copy;
  try {
    copy = plugin::copy_under_fresh_name(found.path, options_.copies, found.name, generation);
  } catch (const std::runtime_error &e) {
    throw StrategyRefused(Kind::refused, e.what());
  }
  const std::uint64_t content = StrategyCatalogue::fingerprint(copy);
  const auto give_up = [&](Kind kind, const std::string &why) {
    std::error_code ignored;
    std::filesystem::remove(copy, ignored);
    throw StrategyRefused(kind, why);
  };
  pool::ParamValues values = settings_of(found.name);
  if (options_.verify) {
    const plugin::Verdict verdict = catalogue_.verdict_on(copy, content);
    if (!verdict.ok)
      give_up(Kind::refused, verdict.what);
    for (const auto &[name, value] : params) {
      const auto index = plugin::index_of(verdict.params, name);
      if (!index)
        give_up(Kind::bad_params, plugin::no_such_setting(found.name, name, verdict.params));
      if (const auto problem = plugin::problem_with(verdict.params[*index], value))
        give_up(Kind::bad_params, *problem);
    }
    values = fitting(values, verdict.params);
  }
  values = over(values, params);

  SwapResult result;
  try {
    result = give_order(found.name, [&](Post &post) {
      SwapResult done;
      std::optional<pool::Strategy> old;
      try {
        pool::Adopted adopted =
            post.governor.adopt(post.governor.load(found.name, generation, copy, values));
        old = std::move(adopted.old);
        done.state = std::move(adopted.state);
      } catch (const plugin::Unusable &e) {
        throw StrategyRefused(e.check == "params" ? Kind::bad_params : Kind::refused, e.what());
      }
      look(post, After::new_strategy);
      note_in_force(post, content, params, done.state ? done.state->problem : "");
      done.to = found.name;
      done.swapped = true;
      if (old) {
        done.from = old->name;
        {
          // From here on it is the old one's code that runs.
          const std::lock_guard lock(post.mutex);
          post.current->culprit = done.from;
        }
        const std::filesystem::path old_copy = old->copy;
        const plugin::Closed closed = post.governor.retire(std::move(*old));
        done.unmapped = closed.unmapped;
        if (!closed.unmapped)
          spdlog::warn("{} stays mapped: {}", done.from, closed.problem);
        std::error_code ignored;
        std::filesystem::remove(old_copy, ignored);
      }
      done.params = values_in_force(post);
      return done;
    });
  } catch (const StoppedInOrder &) {
    throw;
  } catch (const StrategyRefused &e) {
    give_up(e.kind, e.what());
  }

  if (result.state && !result.state->problem.empty())
    spdlog::warn("{} starts afresh: {}", result.to, result.state->problem);
  result.took = clock_.now() - begun;
  spdlog::info("strategy {} -> {} in {:.1f} ms", result.from.empty() ? "(built in)" : result.from,
               result.to, std::chrono::duration<double, std::milli>(result.took).count());
  return result;
}

// [swap_mutex_ held]
SwapResult StrategyService::give_order(const std::string &culprit, Order order) {
  {
    const std::lock_guard lock(mutex_);
    if (ending_) // nobody would carry it out
      throw StrategyRefused(StrategyRefused::Kind::refused, "the host is stopping");
  }
  return queue_order(culprit, std::move(order))
      .get(); // kept by a governor, or broken by the watchdog
}

std::future<SwapResult> StrategyService::queue_order(const std::string &culprit, Order order) {
  auto pending = std::make_shared<Post::Pending>();
  pending->order = std::move(order);
  pending->culprit = culprit;
  std::future<SwapResult> answer = pending->answer.get_future();
  for (;;) {
    std::shared_ptr<Post> post;
    {
      const std::lock_guard lock(mutex_);
      post = post_;
    }
    const std::lock_guard lock(post->mutex);
    if (post->closed) // contained meanwhile: another has its place already
      continue;
    post->orders.push_back(pending);
    post->wake.notify_one();
    break;
  }
  return answer;
}

StrategyStatus StrategyService::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

void StrategyService::note_problem(const std::string &problem) {
  spdlog::error("{}", problem);
  const std::lock_guard lock(mutex_);
  status_.problem = problem;
}

StrategySettings StrategyService::settings() const {
  const std::lock_guard lock(mutex_);
  return settings_;
}

void StrategyService::note_settings_problem(const std::string &problem) {
  if (!problem.empty())
    spdlog::warn("the settings file: {}", problem);
  const std::lock_guard lock(mutex_);
  status_.settings_problem = problem;
}

} // namespace lab::host
