#include "loadtest/lab/host_process.hpp"

#include <csignal>
#include <string_view>
#include <system_error>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "db/log_file.hpp"
#include "db/one_line.hpp"
#include "loadtest/lab/database.hpp"
#include "loadtest/lab/files.hpp"
#include "loadtest/lab/secret_pipe.hpp"

namespace lab::cli {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// The first strategy is verified before the host serves.
constexpr auto start_limit = 20s;

// What the host logs when it was asked to stop. Its exit status alone doesn't
// tell that from a strategy that called exit(0).
constexpr const char *asked_to_stop = "stopping: draining";

// What the host logs when a strategy has made it end, before and after its name.
constexpr std::string_view tainted_by = "tainted by ";

std::string blamed_in(std::string_view log) {
  const std::size_t at = log.rfind(tainted_by);
  if (at == std::string_view::npos)
    return "";
  const std::string_view name = log.substr(at + tainted_by.size());
  return std::string(name.substr(0, name.find(':')));
}

std::uintmax_t size_of(const std::filesystem::path &file) {
  std::error_code absent;
  const auto size = std::filesystem::file_size(file, absent);
  return absent ? 0 : size;
}

// The descriptor that the host reads a password from.
constexpr int password_descriptor = 3;

// Each host's own, so that to one the connections of the other are somebody else's.
std::string application_of(int host) {
  return host == 0 ? "pool_lab host" : fmt::format("pool_lab host {}", host + 1);
}

db::Launch launch(const Places &places, int host, const db::LabUser &user, const State &state,
                  const db::LabDatabase &database, const SecretPipe &password,
                  const Choice &choice) {
  std::vector<std::string> argv = {places.program("lab_host"),
                                   "--port",
                                   std::to_string(state.port_of(host)),
                                   "--database",
                                   database.conninfo_jobs(application_of(host)),
                                   "--monitor",
                                   database.conninfo_admin("pool_lab monitor"),
                                   "--strategies",
                                   places.strategies(),
                                   "--strategies",
                                   places.handed_over(),
                                   "--copies",
                                   places.copies(host),
                                   "--verifier",
                                   places.program("lab_verify"),
                                   "--page",
                                   places.page(),
                                   "--settings",
                                   places.settings_for_host(),
                                   "--agent",
                                   places.page_socket()};
  if (database.shared())
    argv.emplace_back("--at-most-half");
  for (const std::string &origin : state.origins_of(host))
    argv.insert(argv.end(), {"--allow-origin", origin});
  std::vector<std::pair<int, int>> pass;
  if (password.descriptor() >= 0) {
    argv.insert(argv.end(), {"--password-fd", std::to_string(password_descriptor)});
    pass.emplace_back(password.descriptor(), password_descriptor);
  }
  if (!choice.name.empty()) {
    argv.insert(argv.end(), {"--strategy", choice.name});
    for (const auto &[name, value] : choice.params)
      argv.insert(argv.end(), {"--set", fmt::format("{}={}", name, value)});
  }
  return {.argv = argv,
          .user = user,
          .directory = "/",
          .own_session = true,
          .out = db::Output::captured(),
          .err = db::Output::appended_to(places.host_log(host)),
          .pass = pass};
}

} // namespace

std::string host_name(int host) {
  return host == 0 ? "the host" : "the second host";
}

std::optional<HostRecord> recorded_host(const Places &places, int host) {
  const auto text = text_of_file(places.host_record(host));
  const json content = text ? json::parse(*text, nullptr, false) : json();
  if (!content.is_object())
    return std::nullopt;
  const HostRecord record{{content.value("pid", 0), content.value("started", std::uint64_t{0})},
                          content.value("port", static_cast<unsigned short>(0)),
                          content.value("database", ""),
                          content.value("origins", std::vector<std::string>())};
  return alive(record.process) ? std::optional(record) : std::nullopt;
}

HostProcess::HostProcess(ProcessId id, unsigned short port, std::filesystem::path log)
    : id_(id), port_(port), log_(std::move(log)), log_began_(size_of(log_)),
      served_since_(Clock::now()), watch_(std::make_unique<EndWatch>(id)) {}

HostProcess HostProcess::adopt(const Places &places, int number, const HostRecord &record) {
  return {record.process, record.port, places.host_log(number)};
}

HostProcess HostProcess::start(const Places &places, int number, const db::LabUser &user,
                               const State &state, const Choice &choice) {
  const unsigned short port = state.port_of(number);
  const auto log = places.host_log(number);
  db::begin_log(log);
  const auto log_began = size_of(log);
  std::optional<db::Child> child;
  try {
    const auto database = database_called(state.database, places, user);
    const SecretPipe password(database->password());
    child.emplace(launch(places, number, user, state, *database, password, choice));
  } catch (const std::exception &e) {
    throw NotStarted({HostEnd::How::at_the_start, 0ms, e.what()});
  }
  const auto id = process(child->pid());
  // From now on another agent finds it, even if this one ends while it starts. One
  // that nobody could find must not be.
  try {
    if (id)
      write_whole(places.host_record(number), json{{"pid", id->pid},
                                                   {"started", id->started},
                                                   {"port", port},
                                                   {"database", state.database},
                                                   {"origins", state.origins_of(number)}}
                                                  .dump());
  } catch (const std::exception &e) {
    child->send(SIGKILL);
    (void)child->wait_for(5s);
    throw NotStarted({HostEnd::How::at_the_start, 0ms, e.what()});
  }
  HostProcess host(id.value_or(ProcessId{child->pid(), 0}), port, log);
  host.log_began_ = log_began;
  host.child_ = std::move(child);

  const auto deadline = Clock::now() + start_limit;
  while (Clock::now() < deadline) {
    const auto line =
        host.child_->line(std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()));
    if (line && line->starts_with("ready ")) {
      host.served_since_ = Clock::now();
      return host;
    }
    if (!line)
      break;
  }
  auto end = host.ended();
  if (!end) {
    host.child_->send(SIGKILL);
    (void)host.child_->wait_for(5s);
    end = End{HostEnd::How::at_the_start, 0ms,
              fmt::format("did not serve within {} s", start_limit.count())};
  } else if (end->how != HostEnd::How::by_itself || host.child_->wait_for(0ms)->status == 64) {
    const auto words = host.last_words();
    end = End{HostEnd::How::at_the_start, 0ms, words.empty() ? end->text : words};
  }
  end->lived = 0ms;
  throw NotStarted(*end);
}

std::optional<HostProcess::End> HostProcess::ended() {
  const auto lived =
      std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - served_since_);
  if (!child_) {
    if (!watch_->ended())
      return std::nullopt;
    return End{HostEnd::How::from_outside, lived, "ended, nobody saw how"};
  }
  const bool gone = watch_->ended();
  // What a strategy has started outlives the host, and holds its port. The dead host still
  // has its number, and the group that of it, until it is waited for.
  if (gone)
    ::kill(-id_.pid, SIGKILL);
  const auto end = child_->wait_for(gone ? 1000ms : 0ms);
  if (!end)
    return std::nullopt;
  auto said = text_of_file(log_).value_or("");
  said.erase(0, std::min<std::size_t>(log_began_, said.size()));
  const bool drained = said.find(asked_to_stop) != std::string::npos;
  return End{HostEnd::how_of(end->status, end->signal, drained), lived, end->text(),
             blamed_in(said)};
}

void HostProcess::stop() {
  end_process(id_, drain_limit);
  if (child_)
    (void)child_->wait_for(5s);
}

std::string HostProcess::last_words() const {
  auto said = text_of_file(log_).value_or("");
  said.erase(0, std::min<std::size_t>(log_began_, said.size()));
  while (!said.empty() && said.back() == '\n')
    said.pop_back();
  return db::one_line(said.substr(said.rfind('\n') + 1)); // npos + 1: all of it
}

} // namespace lab::cli
