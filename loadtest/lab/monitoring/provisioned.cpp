#include "loadtest/lab/monitoring/provisioned.hpp"

#include <regex>
#include <sstream>

#include <fmt/format.h>

namespace lab::cli {
namespace {

const MonitoringPorts usual(3000);

unsigned short own_port(int port, const MonitoringPorts &ours) {
  return port == usual.host          ? ours.host
         : port == usual.second_host ? ours.second_host
         : port == usual.grafana     ? ours.grafana
         : port == usual.exporter    ? ours.exporter
         : port == usual.prometheus  ? ours.prometheus
                                     : static_cast<unsigned short>(port);
}

} // namespace

MonitoringPorts::MonitoringPorts(unsigned short base)
    : host(base), second_host(static_cast<unsigned short>(base + 1)),
      grafana(static_cast<unsigned short>(base + 2)),
      exporter(static_cast<unsigned short>(base + 3)),
      prometheus(static_cast<unsigned short>(base + 6090 <= 65535 ? base + 6090 : base + 4)) {}

std::string with_ports(const std::string &text, const MonitoringPorts &ports, int hosts) {
  static const std::regex address("127\\.0\\.0\\.1:([0-9]{4,5})");
  std::string out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    auto rest = line.cbegin();
    bool of_second_host = false;
    std::string changed;
    for (std::sregex_iterator one(line.begin(), line.end(), address), end; one != end; ++one) {
      const int port = std::stoi((*one)[1].str());
      of_second_host = of_second_host || port == usual.second_host;
      changed.append(rest, (*one)[0].first);
      changed += fmt::format("127.0.0.1:{}", own_port(port, ports));
      rest = (*one)[0].second;
    }
    changed.append(rest, line.cend());
    if (!of_second_host || hosts > 1)
      out += changed + "\n";
  }
  return out;
}

} // namespace lab::cli
