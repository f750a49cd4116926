#include "host/test_host.hpp"

#include <csignal>
#include <cstring>
#include <fstream>
#include <stdexcept>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lab::host {
namespace {

using namespace std::chrono_literals;

// Closes by itself.
struct Socket {
  int fd = -1;
  ~Socket() {
    if (fd >= 0)
      ::close(fd);
  }
};

std::size_t body_length(const std::string &head) {
  const std::size_t at = head.find("Content-Length: ");
  return at == std::string::npos ? std::string::npos : std::stoul(head.substr(at + 16));
}

} // namespace

nlohmann::json Reply::json() const {
  return nlohmann::json::parse(body);
}

std::string Reply::code() const {
  if (headers.find("application/problem+json") == std::string::npos)
    return "";
  return json().value("code", "");
}

Reply send_raw(std::uint16_t port, const std::string &bytes) {
  const Socket socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket.fd, reinterpret_cast<const sockaddr *>(&to), sizeof to) != 0)
    return {};
  const timeval patience{40, 0};
  ::setsockopt(socket.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  (void)!::send(socket.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);

  std::string got;
  char buffer[16384];
  for (;;) {
    const std::size_t end = got.find("\r\n\r\n");
    if (end != std::string::npos) {
      const std::string head = got.substr(0, end + 2);
      const std::size_t length = body_length(head);
      if (length == std::string::npos || got.size() >= end + 4 + length)
        return {std::stoi(head.substr(9, 3)), head, got.substr(end + 4)};
    }
    const ssize_t n = ::recv(socket.fd, buffer, sizeof buffer, 0);
    if (n <= 0)
      return {};
    got.append(buffer, static_cast<std::size_t>(n));
  }
}

TestHost::TestHost(std::vector<std::filesystem::path> folders, const std::string &strategy,
                   const std::vector<std::string> &more) {
  db::TestPostgres &postgres = db::TestPostgres::shared();
  if (folders.empty())
    folders.emplace_back(POOL_LAB_STRATEGIES);
  char made[] = "/tmp/pool-lab-host-XXXXXX";
  folder_ = ::mkdtemp(made);
  std::filesystem::create_directories(folder_ / "copies");
  std::filesystem::create_directories(folder_ / "page");
  std::ofstream(folder_ / "page" / "index.html") << "<!doctype html><title>test</title>";

  db::Launch launch;
  launch.argv = {POOL_LAB_HOST_PROGRAM,
                 "--port",
                 "0",
                 "--database",
                 postgres.postgres().conninfo_jobs(),
                 "--monitor",
                 postgres.postgres().conninfo_admin("pool_lab monitor"),
                 "--copies",
                 folder_ / "copies",
                 "--verifier",
                 POOL_LAB_VERIFIER,
                 "--page",
                 folder_ / "page",
                 "--strategy",
                 strategy};
  for (const auto &folder : folders) {
    launch.argv.emplace_back("--strategies");
    launch.argv.push_back(folder);
  }
  launch.argv.insert(launch.argv.end(), more.begin(), more.end());
  launch.out = db::Output::captured();
  launch.err = db::Output::appended_to(folder_ / "log");
  child_ = std::make_unique<db::Child>(launch);
  const auto line = child_->line(30s);
  const std::size_t colon = line ? line->rfind(':') : std::string::npos;
  if (colon == std::string::npos)
    throw std::runtime_error("the host did not get ready; see " + (folder_ / "log").string());
  port_ = static_cast<std::uint16_t>(std::stoi(line->substr(colon + 1)));
}

TestHost::~TestHost() {
  if (!child_->wait_for(0ms)) {
    child_->send(SIGTERM);
    if (!child_->wait_for(15s)) {
      child_->send(SIGKILL);
      (void)child_->wait_for(5s);
    }
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

Reply TestHost::http(const std::string &method, const std::string &path, const std::string &body,
                     const std::string &more_headers) const {
  std::string request =
      fmt::format("{} {} HTTP/1.1\r\nHost: localhost:{}\r\n{}Connection: close\r\n", method, path,
                  port_, more_headers);
  if (!body.empty())
    request += fmt::format("Content-Type: application/json\r\nContent-Length: {}\r\n", body.size());
  return send_raw(port_, request + "\r\n" + body);
}

std::vector<std::string> TestHost::mapped_copies() const {
  std::vector<std::string> names;
  std::ifstream maps(fmt::format("/proc/{}/maps", pid()));
  for (std::string line; std::getline(maps, line);) {
    const std::size_t at = line.find((folder_ / "copies").string());
    if (at == std::string::npos)
      continue;
    const std::string name = std::filesystem::path(line.substr(at)).filename();
    if (names.empty() || names.back() != name)
      names.push_back(name);
  }
  return names;
}

db::Ended TestHost::stop() {
  child_->send(SIGTERM);
  const auto ended = child_->wait_for(20s);
  if (!ended)
    throw std::runtime_error("the host did not stop within 20 seconds");
  return *ended;
}

} // namespace lab::host
