// A report is one file, whatever text the strategies brought along.
#include "loadtest/matrix/report.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lab::matrix {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

class Report : public testing::Test {
protected:
  Report() {
    std::string made = (fs::temp_directory_path() / "pool-lab-report-XXXXXX").string();
    parts_ = ::mkdtemp(made.data());
    write("report.html",
          "<style>/*dygraph.min.css*//*report.css*/</style><script "
          "id=data>/*data*/</script><script>/*dygraph.min.js*//*report.js*/</script>");
    for (const char *part : {"dygraph.min.css", "report.css", "dygraph.min.js", "report.js"})
      write(part, std::string("[") + part + "]");
  }
  ~Report() override { fs::remove_all(parts_); }

  void write(const std::string &name, const std::string &text) const {
    std::ofstream(parts_ / name) << text;
  }

  fs::path parts_;
};

TEST_F(Report, HasAllItsPartsInIt) {
  const std::string page = report_html(parts_, {{"matrix", "m"}});
  EXPECT_EQ(page,
            "<style>[dygraph.min.css][report.css]</style><script "
            "id=data>{\"matrix\":\"m\"}</script><script>[dygraph.min.js][report.js]</script>");
  fs::remove(parts_ / "report.js");
  EXPECT_THROW((void)report_html(parts_, {}), std::runtime_error);
}

TEST_F(Report, TakesNoTextForHtml) {
  const std::string evil = "</script><script>alert(1)</script><!-- /*report.js*/ \xe2\x80\xa8 \xff";
  const std::string page = report_html(parts_, {{"said", evil}});
  EXPECT_THAT(page, Not(HasSubstr("alert(1)</script>")));
  EXPECT_THAT(page, Not(HasSubstr("<!--")));
  const auto from = page.find("id=data>") + 8, to = page.find("</script>", from);
  const json back = json::parse(page.substr(from, to - from));
  EXPECT_THAT(back["said"].get<std::string>(),
              HasSubstr("</script><script>alert(1)</script><!-- /*report.js*/"))
      << "it is all there, as text";
}

TEST_F(Report, KeepsASpreadsheetFromReckoningWithText) {
  const json cell = {{"place", 1},        {"profile", "=1+1"},   {"arm", "say \"hi\""},
                     {"block", 2},        {"verdict", "pass"},   {"ok_per_second", 12.5},
                     {"p99_ms", nullptr}, {"failed_percent", 0}, {"connection_seconds", 30}};
  EXPECT_EQ(
      cells_csv({{"cells", {cell}}}),
      "place,profile,arm,block,verdict,ok_per_second,p99_ms,failed_percent,connection_seconds\r\n"
      "1,\"'=1+1\",\"say \"\"hi\"\"\",2,\"pass\",12.5,,0,30\r\n");
}

} // namespace
} // namespace lab::matrix
