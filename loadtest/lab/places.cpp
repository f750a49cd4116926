#include "loadtest/lab/places.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <system_error>

#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <fmt/format.h>

#include "loadtest/lab/disk_space.hpp"
#include "loadtest/lab/exit_status.hpp"
#include "loadtest/lab/state.hpp"

namespace lab::cli {
namespace {

namespace fs = std::filesystem;

std::optional<fs::path> from_variable(const char *name) {
  const char *value = std::getenv(name);
  if (!value || !*value)
    return std::nullopt;
  const fs::path path = fs::absolute(value).lexically_normal();
  return path.has_filename() ? path : path.parent_path(); // without a slash at its end
}

// The home that this program stands in: HOME/app/bin/lab.
std::optional<fs::path> home_of_this_program() {
  std::error_code unknown;
  const fs::path program = fs::read_symlink("/proc/self/exe", unknown);
  const fs::path bin = program.parent_path();
  if (unknown || bin.filename() != "bin" || bin.parent_path().filename() != "app")
    return std::nullopt;
  return bin.parent_path().parent_path();
}

void make_folder(const fs::path &folder, const char *variable) {
  std::error_code problem;
  fs::create_directories(folder, problem);
  if (!problem)
    return;
  const std::string advice = advice_on_room(problem.message());
  throw SetUpFailed(fmt::format(
      "{} can't be made: {}{}", folder.string(), problem.message(),
      advice.empty() ? fmt::format("; set {} to a folder that you may write in", variable)
                     : advice));
}

void set_mode(const fs::path &folder, mode_t mode) {
  if (::chmod(folder.c_str(), mode) != 0)
    throw SetUpFailed(fmt::format("{} can't be opened to the lab: {}; set LAB_HOME elsewhere",
                                  folder.string(), std::strerror(errno)));
}

} // namespace

Places::Places(fs::path home, fs::path work) : home_(std::move(home)), work_(std::move(work)) {}

Places Places::from_environment() {
  auto home = from_variable("LAB_HOME");
  if (!home)
    home = home_of_this_program();
  const auto work = from_variable("LAB_WORK");
  if (!home || !work)
    throw SetUpFailed(fmt::format("{} is not set: call scripts/lab, which knows where things are",
                                  home ? "LAB_WORK" : "LAB_HOME"));
  return {*home, *work};
}

void Places::make(const db::LabUser &user) const {
  if (agent_socket().string().size() >= sizeof(sockaddr_un::sun_path))
    throw SetUpFailed(fmt::format("the path of the agent's socket is too long: {}; set LAB_HOME to "
                                  "a shorter path",
                                  agent_socket().string()));
  make_folder(home_, "LAB_HOME");
  make_folder(handed_over(), "LAB_HOME");
  make_folder(runs(), "LAB_WORK");
  make_folder(my_strategies(), "LAB_WORK");
  const bool other_user = user.uid != ::geteuid();
  set_mode(home_, other_user ? 0755 : 0700);
  for (int host = 0; host < most_hosts; ++host) {
    make_folder(copies(host), "LAB_HOME");
    if (other_user && ::lchown(copies(host).c_str(), user.uid, user.gid) != 0)
      throw SetUpFailed(fmt::format("{} can't be given to user {}: {}; set LAB_HOME elsewhere",
                                    copies(host).string(), user.name, std::strerror(errno)));
    set_mode(copies(host), 0700);
  }
}

std::string Places::named(const std::string &what, int host) {
  return host == 0 ? what : fmt::format("{}-{}", what, host + 1);
}

db::PrivatePostgres Places::postgres(const db::LabUser &user) const {
  return {postgres_folder(), app() / "db", user};
}

std::map<std::string, std::string> Places::environment() const {
  return {{"LAB_HOME", home_.string()}, {"LAB_WORK", work_.string()}};
}

} // namespace lab::cli
