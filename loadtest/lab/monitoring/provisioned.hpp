// The files of dashboard/monitoring, as this lab needs them: they name the usual ports, so
// that they work as they stand beside a lab in a container. [any thread]
#pragma once

#include <string>

namespace lab::cli {

struct MonitoringPorts {
  explicit MonitoringPorts(unsigned short base);

  unsigned short host;
  unsigned short second_host;
  unsigned short grafana;
  unsigned short exporter;
  unsigned short prometheus; // base + 6090 as 9090 is from 3000, where there is such a port
};

// `text` with the ports of this lab for the usual ones, each named as 127.0.0.1:PORT; without
// the line of the second host where there is none.
std::string with_ports(const std::string &text, const MonitoringPorts &ports, int hosts);

} // namespace lab::cli
