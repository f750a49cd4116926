#include "loadtest/lab/uninstall.hpp"

#include <algorithm>
#include <cstdlib>
#include <set>
#include <system_error>

#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "db/lab_user.hpp"
#include "loadtest/lab/bring_up.hpp"
#include "loadtest/lab/exit_status.hpp"
#include "loadtest/lab/files.hpp"
#include "loadtest/lab/lab_processes.hpp"

namespace lab::cli {
namespace {

namespace fs = std::filesystem;

// Where scripts/lab puts the homes of clones that belong to root.
constexpr const char *homes_of_root = "/var/lib/pool-lab";

constexpr const char *no_cluster_file = "/etc/postgresql-common/createcluster.d/pool-lab.conf";
constexpr const char *no_cluster_text = "create_main_cluster = false\n";

bool is_there(const fs::path &path) {
  std::error_code unseen;
  return fs::exists(fs::symlink_status(path, unseen));
}

bool is_link(const fs::path &path) {
  std::error_code unseen;
  return fs::is_symlink(fs::symlink_status(path, unseen));
}

bool same_place(const fs::path &one, const fs::path &other) {
  std::error_code unseen;
  return one == other || fs::equivalent(one, other, unseen);
}

// `inner` stands in `outer`, or is it.
bool stands_in(const fs::path &inner, const fs::path &outer) {
  std::error_code unseen;
  const fs::path in = fs::weakly_canonical(inner, unseen);
  const fs::path out = fs::weakly_canonical(outer, unseen);
  return std::mismatch(out.begin(), out.end(), in.begin(), in.end()).first == out.end();
}

// Another home in this folder has a cluster, which belongs to the lab's user.
bool other_home_in(const fs::path &folder, const fs::path &home) {
  std::error_code unseen;
  for (const auto &entry : fs::directory_iterator(folder, unseen))
    if (is_there(entry.path() / "pg") && !same_place(entry.path(), home))
      return true;
  return false;
}

bool runs_anything(uid_t user, const std::vector<LabProcess> &ours) {
  std::error_code unseen;
  for (const auto &entry : fs::directory_iterator("/proc", unseen)) {
    struct stat found {};
    const pid_t pid = std::atoi(entry.path().filename().c_str());
    const bool is_ours = std::any_of(ours.begin(), ours.end(),
                                     [pid](const LabProcess &p) { return p.id.pid == pid; });
    if (pid > 0 && !is_ours && ::stat(entry.path().c_str(), &found) == 0 && found.st_uid == user)
      return true;
  }
  return false;
}

bool last_of_root(const Places &places) {
  if (::geteuid() != 0)
    return false;
  const auto user = db::lab_user_if_there();
  return !other_home_in(places.home().parent_path(), places.home()) &&
         !other_home_in(homes_of_root, places.home()) &&
         !(user && runs_anything(user->uid, lab_processes(places)));
}

// What the lab puts into its home; anything else there is somebody's.
bool is_the_labs(const std::string &name) {
  static const std::set<std::string> known = {"app", "pg", "my", "monitoring"};
  return known.contains(name) || name.starts_with("agent.") || name.starts_with("host.") ||
         name.starts_with("host-") || name.starts_with("page.") || name.starts_with("page-") ||
         name == "copies" || name.starts_with("copies-") || name.starts_with("settings.json") ||
         name.ends_with(".lock");
}

void remove_tree(const fs::path &path, std::vector<std::string> &problems) {
  std::error_code problem;
  fs::remove_all(path, problem); // of a link, the link alone
  if (!problem || !is_there(path))
    return;
  problems.push_back(
      fmt::format("{} can't be removed: {}; remove it yourself", path.string(), problem.message()));
}

void remove_home(const fs::path &home, std::vector<std::string> &problems) {
  std::error_code unseen;
  for (const auto &entry : fs::directory_iterator(home, unseen))
    if (is_the_labs(entry.path().filename()))
      remove_tree(entry.path(), problems);
  for (const auto &entry : fs::directory_iterator(home, unseen)) {
    problems.push_back(fmt::format("{} stays, for {} in it is not the lab's", home.string(),
                                   entry.path().filename().string()));
    return;
  }
  fs::remove(home, unseen);
}

} // namespace

std::optional<fs::path> clone_from_environment() {
  const char *clone = std::getenv("LAB_CLONE");
  if (!clone || !*clone)
    return std::nullopt;
  return fs::path(clone).lexically_normal();
}

void require_a_labs_home(const Places &places, const std::optional<fs::path> &clone) {
  const fs::path &home = places.home();
  const auto refuse = [&home](const std::string &why) {
    throw SetUpFailed(
        fmt::format("{} is not removed: {}; set LAB_HOME to the lab's home", home.string(), why));
  };
  const char *users_home = std::getenv("HOME");
  if (home == home.root_path())
    refuse("it is the root of all folders");
  if (is_link(home))
    refuse("it is a link, and links are not followed");
  if (users_home && *users_home && stands_in(users_home, home))
    refuse("your own home stands in it");
  if (clone && stands_in(*clone, home))
    refuse("the clone stands in it");
  if (stands_in(places.work(), home))
    refuse("LAB_WORK, and with it my/, stands in it");
  if (stands_in(home, places.work() / "my"))
    refuse("it stands in my/, which is yours");
  if (!is_there(places.program("lab")))
    refuse("it doesn't look like a lab's home (no app/bin/lab in it)");
}

Removal what_to_remove(const Places &places, const std::optional<fs::path> &clone) {
  Removal removal;
  // Another program's .lab has neither; of a link the link alone goes.
  if (is_there(places.runs()) || is_there(places.state()) || is_link(places.records()))
    removal.paths.push_back(places.records());
  if (clone && !is_link(*clone / "build")) {
    std::error_code unseen;
    for (const auto &entry : fs::directory_iterator(*clone / "build", unseen)) {
      const std::string name = entry.path().filename();
      if (name == "lab" || name.starts_with("lab.") || name == ".lab.lock" ||
          name == "packages.log")
        removal.paths.push_back(entry.path());
    }
  }
  removal.paths.push_back(places.home());
  removal.system_user = last_of_root(places);
  return removal;
}

std::vector<std::string> remove(const Places &places, const Removal &removal) {
  std::vector<std::string> problems;
  try {
    take_down(places);
  } catch (const std::exception &e) { // a damaged home; by force, then
    for (const LabProcess &left : lab_processes(places))
      if (!end_process(left.id, std::chrono::seconds(5)))
        problems.push_back(fmt::format("process {} ({}) does not end: end it with kill -9 {}",
                                       left.id.pid, left.program, left.id.pid));
    if (!problems.empty()) { // files in use are not torn away
      problems.push_back(e.what());
      return problems;
    }
  }
  for (const fs::path &path : removal.paths) {
    if (path == places.home())
      remove_home(path, problems);
    else
      remove_tree(path, problems);
  }
  std::error_code not_empty; // the folder of all homes, when this was the last
  if (places.home().parent_path().filename() == "pool-lab")
    fs::remove(places.home().parent_path(), not_empty);
  if (removal.system_user && problems.empty()) {
    if (const auto problem = db::remove_system_user(); !problem.empty())
      problems.push_back(fmt::format("the system user pool-lab stays: {}", problem));
    if (!is_link(no_cluster_file) && text_of_file(no_cluster_file) == no_cluster_text)
      ::unlink(no_cluster_file);
  }
  return problems;
}

} // namespace lab::cli
