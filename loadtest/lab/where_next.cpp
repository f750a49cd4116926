#include "loadtest/lab/where_next.hpp"

#include <filesystem>
#include <system_error>

namespace lab::cli {

void say_where_next(const Places &places, const JsonOption &report, Terminal &terminal) {
  std::error_code absent;
  if (!report.to_output() && std::filesystem::exists(places.progress(), absent))
    terminal.say("on the path? next: scripts/lab check");
}

} // namespace lab::cli
