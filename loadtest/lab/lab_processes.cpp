#include "loadtest/lab/lab_processes.hpp"

#include <cstdlib>
#include <system_error>

#include <fmt/format.h>

#include "db/cluster_processes.hpp"
#include "loadtest/lab/files.hpp"
#include "loadtest/lab/monitoring/daemon.hpp"

namespace lab::cli {
namespace {

namespace fs = std::filesystem;

// Its program's file, also when that was replaced or removed since.
fs::path program_file(pid_t pid) {
  std::error_code unseen;
  std::string link = fs::read_symlink(fmt::format("/proc/{}/exe", pid), unseen);
  constexpr std::string_view gone = " (deleted)";
  if (link.ends_with(gone))
    link.erase(link.size() - gone.size());
  return link;
}

bool is_agent(pid_t pid) {
  const std::string words = text_of_file(fmt::format("/proc/{}/cmdline", pid)).value_or("");
  const auto first_end = words.find('\0');
  return first_end != std::string::npos && words.compare(first_end + 1, 6, {"agent\0", 6}) == 0;
}

// Installed by Debian, they stand in no folder of the lab's; but they carry its home.
bool monitors(pid_t pid, const fs::path &home) {
  const std::string all = text_of_file(fmt::format("/proc/{}/environ", pid)).value_or("");
  const std::string wanted = fmt::format("{}={}", belongs_to, home.string());
  for (std::size_t at = 0; at < all.size(); at = all.find('\0', at) + 1) {
    const std::size_t end = all.find('\0', at);
    if (all.compare(at, end - at, wanted) == 0)
      return true;
    if (end == std::string::npos)
      break;
  }
  return false;
}

} // namespace

std::vector<LabProcess> lab_processes(const Places &places) {
  std::vector<LabProcess> found;
  std::error_code unseen;
  const fs::path programs = fs::weakly_canonical(places.app() / "bin", unseen);
  for (const auto &entry : fs::directory_iterator("/proc", unseen)) {
    const pid_t pid = std::atoi(entry.path().filename().c_str());
    const fs::path program = pid > 0 ? program_file(pid) : fs::path();
    if (!program.empty() && monitors(pid, places.home())) {
      if (const auto id = process(pid))
        found.push_back({*id, program.filename()});
      continue;
    }
    if (program.empty() || program.parent_path() != programs)
      continue;
    std::string name = program.filename();
    if (name == "lab") {
      if (!is_agent(pid))
        continue;
      name = "lab agent";
    }
    if (const auto id = process(pid))
      found.push_back({*id, name});
  }
  for (const pid_t pid : db::processes_in(places.postgres_folder() / "data"))
    if (const auto id = process(pid))
      found.push_back({*id, "postgres"});
  return found;
}

} // namespace lab::cli
