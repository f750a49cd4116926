#include "db/lab_user.hpp"
#include "db/child.hpp"

#include <array>
#include <chrono>
#include <optional>
#include <stdexcept>

#include <pwd.h>
#include <unistd.h>

#include <fmt/format.h>

namespace lab::db {

namespace {

constexpr const char *system_user = "pool-lab";

std::optional<LabUser> user_named(const char *name) {
  passwd entry{};
  passwd *found = nullptr;
  std::array<char, 4096> text{};
  if (::getpwnam_r(name, &entry, text.data(), text.size(), &found) != 0 || !found)
    return std::nullopt;
  return LabUser{entry.pw_uid, entry.pw_gid, entry.pw_name};
}

LabUser caller() {
  passwd entry{};
  passwd *found = nullptr;
  std::array<char, 4096> text{};
  const auto uid = ::geteuid();
  const bool named =
      ::getpwuid_r(uid, &entry, text.data(), text.size(), &found) == 0 && found != nullptr;
  return {uid, ::getegid(), named ? entry.pw_name : std::to_string(uid)};
}

// What useradd said against it; "" when it said nothing.
std::string make_system_user() {
  try {
    const auto made = run({.argv = {"useradd", "--system", "--user-group", "--no-create-home",
                                    "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin",
                                    "--comment", "Pool Strategy Lab", system_user}},
                          std::chrono::seconds(30));
    return made.output.substr(0, made.output.find('\n'));
  } catch (const std::exception &e) {
    return e.what();
  }
}

} // namespace

std::optional<LabUser> lab_user_if_there() {
  return ::geteuid() == 0 ? user_named(system_user) : caller();
}

std::string remove_system_user() {
  if (!user_named(system_user))
    return "";
  try {
    const auto removed = run({.argv = {"userdel", system_user}}, std::chrono::seconds(30));
    return removed.well() ? "" : removed.output.substr(0, removed.output.find('\n'));
  } catch (const std::exception &e) {
    return e.what();
  }
}

LabUser lab_user() {
  if (::geteuid() != 0)
    return caller();
  if (const auto user = user_named(system_user))
    return *user;
  const auto problem = make_system_user();
  if (const auto user = user_named(system_user)) // made by us, or by another at the same time
    return *user;
  throw std::runtime_error(fmt::format(
      "the system user {} can't be made ({}): PostgreSQL refuses to run as root, so make it with "
      "`useradd --system {}`, or call the lab as an ordinary user",
      system_user, problem, system_user));
}

} // namespace lab::db
