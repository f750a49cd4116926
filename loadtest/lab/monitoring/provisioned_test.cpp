// The files' ports, changed for a lab that has others. No lab needed.
#include "loadtest/lab/monitoring/provisioned.hpp"

#include <gtest/gtest.h>

namespace lab::cli {
namespace {

TEST(MonitoringPorts, AreTheUsualOnesFrom3000On) {
  const MonitoringPorts usual(3000);
  EXPECT_EQ(usual.host, 3000);
  EXPECT_EQ(usual.second_host, 3001);
  EXPECT_EQ(usual.grafana, 3002);
  EXPECT_EQ(usual.exporter, 3003);
  EXPECT_EQ(usual.prometheus, 9090);
  EXPECT_EQ(MonitoringPorts(59445).prometheus, 65535);
  EXPECT_EQ(MonitoringPorts(59446).prometheus, 59450) << "there is none above";
}

TEST(WithPorts, ChangesEachPortOnce) {
  // Some are others' usual ones.
  EXPECT_EQ(with_ports("a: 127.0.0.1:3000, b: \"127.0.0.1:3003\" # 3000\nc: 127.0.0.1:9090/x\n",
                       MonitoringPorts(3003), 1),
            "a: 127.0.0.1:3003, b: \"127.0.0.1:3006\" # 3000\nc: 127.0.0.1:9093/x\n");
}

TEST(WithPorts, LeavesOutTheSecondHostWhereThereIsNone) {
  const std::string text = "- 127.0.0.1:3000\n- 127.0.0.1:3001\n- 127.0.0.1:5432\n";
  EXPECT_EQ(with_ports(text, MonitoringPorts(4000), 1), "- 127.0.0.1:4000\n- 127.0.0.1:5432\n");
  EXPECT_EQ(with_ports(text, MonitoringPorts(4000), 2),
            "- 127.0.0.1:4000\n- 127.0.0.1:4001\n- 127.0.0.1:5432\n");
}

TEST(WithPorts, LeavesTheFilesAsTheyAreOnTheUsualPorts) {
  const std::string text = "  - {targets: [\"127.0.0.1:3001\"], labels: {host: \"2\"}}\n";
  EXPECT_EQ(with_ports(text, MonitoringPorts(3000), 2), text);
}

} // namespace
} // namespace lab::cli
