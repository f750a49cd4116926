// scripts/install-packages decides with care: what it would do is watched through
// stubs of apt-get, dpkg-query and sudo, which are all that it finds.
#include <filesystem>
#include <fstream>
#include <string>

#include <sys/stat.h>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loadtest/lab/files.hpp"
#include "loadtest/lab/test_home.hpp"

namespace lab::cli {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

class InstallPackages : public testing::Test {
protected:
  void SetUp() override {
    if (!is_root())
      GTEST_SKIP() << "folders of the system are put aside, which needs root";
    fs::create_directory(bin_);
    for (const char *tool : {"sh", "sed", "awk", "grep", "tr", "id", "cat", "mkdir", "tee", "chmod",
                             "rm", "env", "ls", "mount", "setpriv", "script", "test"})
      for (const char *folder : {"/usr/bin", "/bin", "/usr/sbin"})
        if (const auto real = fs::path(folder) / tool; fs::exists(real)) {
          fs::create_symlink(real, bin_ / tool);
          break;
        }
    fs::copy_file(fs::path(LAB_SOURCE) / "scripts" / "install-packages",
                  folder_.path() / "install-packages");
    stub("dpkg-query", "cat " + at("have"));
    stub("apt-cache", ":");
    // Says what it is asked, and what the system looks like at that moment.
    stub("apt-get", fmt::format(R"(case $* in
*-s*) cat {0}; exit ;;
esac
echo "apt-get $*" >>{1}
cat /etc/postgresql-common/createcluster.d/pool-lab.conf >>{1} 2>/dev/null
test -x /usr/sbin/policy-rc.d && echo 'no service starts' >>{1}
exit 0)",
                                at("plan"), at("calls")));
    write("have", "installed ninja-build\ninstalled g++\n");
    write("plan", "Inst cmake (1 Debian)\nInst postgresql-15 (15 Debian)\n");
    write("calls", "");
    ::chmod((folder_.path() / "calls").c_str(), 0666);
  }

  std::string at(const std::string &name) const {
    return fmt::format("'{}'", (folder_.path() / name).string());
  }
  void write(const std::string &name, const std::string &text) const {
    std::ofstream(folder_.path() / name) << text;
  }
  void stub(const std::string &name, const std::string &script) const {
    std::ofstream(bin_ / name) << "#!/bin/sh\n" << script << "\n";
    ::chmod((bin_ / name).c_str(), 0755);
  }
  std::string calls() const { return text_of_file(folder_.path() / "calls").value_or(""); }

  // `before` is done in the namespace first; `as` stands before the shell.
  TestLab::Said install(const std::string &names, const std::string &before = ":",
                        const std::string &as = "") const {
    const std::string script =
        fmt::format("unset LAB_YES; PATH={0}; export PATH; mount -t tmpfs none /usr/sbin && mount "
                    "-t tmpfs none "
                    "/etc/postgresql-common && mount -t tmpfs none /etc/postgresql && {1} && "
                    "{2} sh -c '. \"$0\"; install_packages \"$1\" \"$2\"; ended=$?; test ! -e "
                    "/usr/sbin/policy-rc.d || echo policy-rc.d is left; exit $ended' {3} '{4}' {5}",
                    at("bin"), before, as, at("install-packages"), names, at("log"));
    Ways apart{.through = {"unshare", "-m"}};
    return run_apart({"sh", "-c", script}, apart);
  }

  TestFolder folder_;
  const fs::path bin_ = folder_.path() / "bin";
};

constexpr const char *somebody = "setpriv --reuid=65534 --regid=65534 --clear-groups";

// Debian would start these at the next boot of the machine.
TEST_F(InstallPackages, PrometheusDoesNotStartWithTheMachineUnlessItWasThereBefore) {
  stub("update-rc.d", "echo \"update-rc.d $*\" >>" + at("calls"));
  write("plan", "Inst prometheus (2 Debian)\n");
  const auto said = install("prometheus cmake");
  EXPECT_EQ(said.status, 0) << said.err;
  EXPECT_THAT(calls(), HasSubstr("update-rc.d prometheus disable"));
  write("calls", "");
  write("have", "installed prometheus\n");
  EXPECT_EQ(install("prometheus cmake").status, 0);
  EXPECT_THAT(calls(), Not(HasSubstr("update-rc.d")));
}

TEST_F(InstallPackages, NothingMissingNothingDone) {
  const auto said = install("ninja-build g++|clang");
  EXPECT_EQ(said.status, 0) << said.err;
  EXPECT_EQ(said.out + said.err, "");
  EXPECT_EQ(calls(), "");
}

TEST_F(InstallPackages, ShowsTheLineAndStartsNoServiceAndNoCluster) {
  const auto said = install("ninja-build cmake postgresql-15");
  EXPECT_EQ(said.status, 0) << said.err;
  EXPECT_THAT(said.err, HasSubstr("apt-get install --no-install-recommends cmake postgresql-15"));
  EXPECT_THAT(calls(), HasSubstr("apt-get install -y --no-install-recommends cmake postgresql-15"));
  EXPECT_THAT(calls(), HasSubstr("create_main_cluster = false\n"));
  EXPECT_THAT(calls(), HasSubstr("no service starts"));
  EXPECT_THAT(said.out, Not(HasSubstr("is left")));
}

TEST_F(InstallPackages, APolicyOfSomebodyElsesStays) {
  const auto said =
      install("cmake", "echo theirs >/usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d");
  EXPECT_EQ(said.status, 0) << said.err;
  EXPECT_THAT(said.out, HasSubstr("is left"));
}

TEST_F(InstallPackages, ARemovalIsRefusedWithoutAYes) {
  write("plan", "Remv nginx [1]\nInst cmake (1 Debian)\n");
  const auto said = install("cmake");
  EXPECT_EQ(said.status, 64);
  EXPECT_THAT(said.err, HasSubstr("LAB_YES=1"));
  EXPECT_THAT(said.err, HasSubstr("nginx"));
  EXPECT_EQ(calls(), "");
  EXPECT_EQ(install("cmake", "LAB_YES=1 && export LAB_YES").status, 0);
  EXPECT_THAT(calls(), HasSubstr("install"));
}

TEST_F(InstallPackages, AnUpgradeIsShownAndOnATerminalAskedFor) {
  write("plan", "Inst libpq5 [15.1] (15.2 Debian)\nInst cmake (1 Debian)\n");
  const std::string script = fmt::format(
      "cd {} && . ./install-packages && install_packages cmake log", folder_.path().string());
  const auto asked = [&](const std::string &answer) {
    return run_apart(
        {"sh", "-c",
         fmt::format(
             "unset LAB_YES; PATH={0}; export PATH; mount -t tmpfs none /usr/sbin; echo {1} | "
             "script -qec '{2}' /dev/null",
             at("bin"), answer, script)},
        {.through = {"unshare", "-m"}, .environment = {{"SHELL", "/bin/sh"}}});
  };
  const auto no = asked("n");
  EXPECT_EQ(no.status, 64) << no.out;
  EXPECT_THAT(no.out, HasSubstr("libpq5 15.1 -> 15.2"));
  EXPECT_EQ(calls(), "");
  EXPECT_EQ(asked("y").status, 0);
  EXPECT_THAT(calls(), HasSubstr("install"));
}

TEST_F(InstallPackages, APostgresWithClustersIsNotUpgradedUnasked) {
  write("plan", "Inst postgresql-15 [15.1] (15.2 Debian)\nInst cmake (1 Debian)\n");
  const auto said = install(
      "cmake", "mkdir -p /etc/postgresql/15/main && echo >/etc/postgresql/15/main/postgresql.conf");
  EXPECT_EQ(said.status, 64);
  EXPECT_THAT(said.err, HasSubstr("postgresql-15 15.1 -> 15.2"));
  EXPECT_EQ(calls(), "");
}

TEST_F(InstallPackages, WithoutRightsOneLineSaysWhatToInstall) {
  const auto said = install("cmake ninja-build", ":", somebody);
  EXPECT_EQ(said.status, 64);
  EXPECT_TRUE(is_one_line(said.err)) << said.err;
  EXPECT_THAT(said.err, HasSubstr("as root, apt-get install cmake"));
  EXPECT_EQ(calls(), "");
}

TEST_F(InstallPackages, AnOrdinaryUserUsesSudoForThePackagesAlone) {
  stub("sudo", fmt::format("echo \"sudo $1\" >>{}", at("calls"))); // and does nothing
  // The log is the caller's own.
  const auto said = install("cmake", "echo >" + at("log") + " && chmod 666 " + at("log"), somebody);
  EXPECT_EQ(said.status, 0) << said.err;
  EXPECT_THAT(calls(), HasSubstr("sudo env")); // env ... apt-get install
  EXPECT_THAT(calls(), Not(HasSubstr("apt-get")));
}

TEST_F(InstallPackages, AnotherSystemIsTold) {
  write("other", "ID=ubuntu\nVERSION_ID=\"24.04\"\n");
  const auto said = install("cmake", "mount --bind " + at("other") + " /etc/os-release");
  EXPECT_EQ(said.status, 64);
  EXPECT_TRUE(is_one_line(said.err)) << said.err;
  EXPECT_THAT(said.err, HasSubstr("not Debian 12"));
  EXPECT_EQ(calls(), "");
}

} // namespace
} // namespace lab::cli
