#include "loadtest/lab/checks.hpp"

#include <exception>
#include <optional>
#include <system_error>

#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <fmt/format.h>

#include "loadtest/lab/disk_space.hpp"
#include "loadtest/lab/exit_status.hpp"
#include "loadtest/lab/host_process.hpp"
#include "loadtest/lab/ports.hpp"
#include "loadtest/lab/state.hpp"

namespace lab::cli {
namespace {

namespace fs = std::filesystem;
using Result = Check::Result;

constexpr std::uintmax_t room_needed = 300'000'000;
constexpr std::uintmax_t room_for_long = 1'000'000'000;

fs::path nearest_there(fs::path path) {
  std::error_code unseen;
  while (!fs::exists(path, unseen) && path != path.root_path())
    path = path.parent_path();
  return path;
}

Check room_check(const std::string &name, const fs::path &folder) {
  const auto room = room_at(folder);
  if (!room)
    return {name, Result::ok,
            fmt::format("the room on the disk of {} can't be told", folder.string())};
  const std::string said = fmt::format("{} MB free for {}", *room / 1'000'000, folder.string());
  if (*room >= room_for_long)
    return {name, Result::ok, said};
  if (*room >= room_needed)
    return {name, Result::warn, said + ", less than 1 GB", "free some before many runs"};
  return {name, Result::bad, said + ", less than 300 MB",
          fmt::format("free some, or set {} elsewhere", name)};
}

Check rights_check(const std::string &name, const fs::path &folder) {
  const fs::path there = nearest_there(folder);
  if (::access(there.c_str(), W_OK | X_OK) == 0)
    return {name + " writable", Result::ok, there.string()};
  return {name + " writable", Result::bad,
          fmt::format("{} can't be written: {}", there.string(),
                      std::error_code(errno, std::generic_category()).message()),
          fmt::format("set {} to a folder of your own", name)};
}

// A folder on the way to `home` that the lab's user may not enter.
std::optional<fs::path> closed_to(const std::optional<db::LabUser> &user, const fs::path &home) {
  for (fs::path above = home;; above = above.parent_path()) {
    struct stat s {};
    if (::stat(above.c_str(), &s) == 0) {
      const mode_t enters = user && s.st_uid == user->uid   ? S_IXUSR
                            : user && s.st_gid == user->gid ? S_IXGRP
                                                            : S_IXOTH;
      if (!(s.st_mode & enters) && above != home) // the home itself is opened by `up`
        return above;
    }
    if (above == above.root_path())
      return std::nullopt;
  }
}

Check user_check(const Places &places) {
  const auto user = db::lab_user_if_there();
  if (::geteuid() != 0)
    return {"user", Result::ok, fmt::format("all of it runs as {}", user ? user->name : "you")};
  if (const auto closed = closed_to(user, places.home()))
    return {"user", Result::bad,
            fmt::format("user pool-lab, whom PostgreSQL and host run as, may not enter {}",
                        closed->string()),
            "set LAB_HOME to a folder elsewhere"};
  return {"user", Result::ok,
          fmt::format("you are root: PostgreSQL and host run as pool-lab{}",
                      user ? "" : ", whom the first scripts/lab up makes")};
}

Check sockets_check(const Places &places) {
  constexpr std::size_t most = sizeof(sockaddr_un::sun_path) - 1;
  const auto longest = (places.postgres_folder() / "socket" / ".s.PGSQL.5432").string();
  if (longest.size() <= most)
    return {"socket paths", Result::ok,
            fmt::format("{} characters, at most {}", longest.size(), most)};
  return {"socket paths", Result::bad,
          fmt::format("{} has {} characters, at most {} can be", longest, longest.size(), most),
          "set LAB_HOME to a shorter path"};
}

Check port_check(const Places &places, const State &state, int number) {
  const auto host = recorded_host(places, number);
  const unsigned short port = host ? host->port : state.port_of(number);
  std::vector<pid_t> ours;
  if (host)
    ours.push_back(host->process.pid);
  try {
    require_ports(port, 1, ours);
    return {"port", Result::ok,
            fmt::format("{} is {}", port, host ? host_name(number) + "'s" : "free")};
  } catch (const std::exception &e) {
    return {"port", Result::bad, e.what()};
  }
}

std::vector<Check> port_checks(const Places &places) {
  State state; // a damaged file is told by another check
  try {
    state = StateFile(places.state()).read();
  } catch (const std::exception &e) {
    if (!recorded_host(places))
      return {{"port", Result::bad, e.what()}};
  }
  std::vector<Check> checks;
  for (int number = 0; number < state.hosts; ++number)
    checks.push_back(port_check(places, state, number));
  return checks;
}

} // namespace

std::vector<Check> place_checks(const Places &places) {
  std::vector<Check> checks = {room_check("LAB_HOME", places.home()),
                               rights_check("LAB_HOME", places.home()),
                               room_check("LAB_WORK", places.work()),
                               rights_check("LAB_WORK", places.work()),
                               user_check(places),
                               sockets_check(places)};
  for (const Check &check : port_checks(places))
    checks.push_back(check);
  return checks;
}

} // namespace lab::cli
