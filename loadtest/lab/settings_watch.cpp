#include "loadtest/lab/settings_watch.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

#include <sys/stat.h>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "loadtest/lab/files.hpp"
#include "loadtest/lab/host_process.hpp"
#include "loadtest/lab/settings_file.hpp"

namespace lab::cli {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr off_t largest_file = 64 * 1024;

// "" when there is none. Throws SettingsMistake for what is no readable file.
std::string text_of_settings(const fs::path &file) {
  struct stat found {};
  if (::stat(file.c_str(), &found) != 0) {
    if (errno == ENOENT || errno == ENOTDIR)
      return "";
    throw SettingsMistake(fmt::format("can't be read: {}", std::strerror(errno)));
  }
  if (!S_ISREG(found.st_mode))
    throw SettingsMistake("can't be read: it is no file");
  if (found.st_size > largest_file)
    throw SettingsMistake("is larger than 64 KiB");
  const auto text = text_of_file(file);
  if (!text)
    throw SettingsMistake(fmt::format("can't be read: {}", std::strerror(errno)));
  return *text;
}

} // namespace

SettingsWatch::SettingsWatch(const Places &places, int host) : places_(places), host_(host) {}

void SettingsWatch::look(const HostApi &host) {
  const FileStamp file = FileStamp::of(places_.my_settings());
  const bool at_rest = std::exchange(seen_, file) == file;
  const FileStamp builds = FileStamp::of(places_.handed_over());
  if (file != taken_)
    due_ = taken_ ? Due::saved : Due::compare;
  else if (builds != builds_ && due_ == Due::nothing)
    due_ = Due::compare; // what was no strategy may be one now
  if (!at_rest || due_ == Due::nothing)
    return;
  try {
    hand_over(host, file);
    taken_ = file;
    builds_ = builds;
    due_ = Due::nothing;
  } catch (const std::exception &e) {
    spdlog::debug("settings wait for the host: {}", e.what()); // until the next look
  }
}

void SettingsWatch::look_at_once(const HostApi &host) {
  seen_ = FileStamp::of(places_.my_settings());
  look(host);
}

// Throws when the host can't be told; then it is tried again.
void SettingsWatch::hand_over(const HostApi &host, const FileStamp &file) {
  json in_force = host.settings();
  std::string problem;
  try {
    const json settings = settings_from(text_of_settings(places_.my_settings()),
                                        [&host] { return host.strategies(); });
    // The lab makes a file that says nothing where there is none: nobody saved it.
    const bool made = taken_ == FileStamp{} && file != FileStamp{};
    const bool new_to_host =
        in_force.at("settings") != settings || !in_force.at("problem").is_null();
    if (new_to_host || (due_ == Due::saved && !made)) {
      in_force = host.change_settings(
          {{"settings", settings}, {"problem", nullptr}, {"keep_set", due_ != Due::saved}});
      spdlog::info("my/settings.toml is in force in {}", host_name(host_));
      if (due_ == Due::saved)
        StateFile(places_.state()).change([this](State &s) {
          if (host_ == 0)
            s.in_use.params.clear();
          if (auto &loaded = s.loaded.at(static_cast<std::size_t>(host_)))
            loaded->params.clear();
        });
    }
  } catch (const SettingsMistake &e) {
    problem = e.what();
  } catch (const HostProblem &e) {
    if (e.status == 503)
      throw; // busy: the next look tries again
    problem = fmt::format("is refused by the host: {}", e.what());
  }
  if (!problem.empty()) {
    problem = fmt::format("my/settings.toml {}; the last good settings stay in force", problem);
    if (in_force.at("problem") != problem)
      in_force = host.change_settings({{"problem", problem}});
    if (problem != problem_)
      spdlog::warn("{}", problem);
  }
  problem_ = problem;
  record(in_force);
}

// For a host's next start. Its user must be able to read it.
void SettingsWatch::record(const json &in_force) const {
  const fs::path file = places_.settings_for_host();
  const auto one_at_a_time = FileLock::wait_for(file.string() + ".lock");
  write_whole(file, in_force.dump(2, ' ', false, json::error_handler_t::replace) + "\n");
  fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read |
                            fs::perms::others_read);
}

} // namespace lab::cli
