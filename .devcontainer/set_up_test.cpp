// The container's set-up without a container: a bare Debian 12 in a folder, in which the
// steps are those of the Dockerfile and of devcontainer.json, read from them. Its mounts
// and processes live in namespaces that end with the one command that made them, so
// nothing can be left mounted or running. Needs root, debootstrap and Debian's archive.
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "db/child.hpp"

namespace lab {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using nlohmann::json;
using testing::HasSubstr;

const fs::path source = POOL_LAB_SOURCE;

std::string text_of(const fs::path &file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

struct Instruction {
  std::string name; // "RUN"
  std::string rest; // lines that are continued are one
};

std::vector<Instruction> instructions_of(const std::string &dockerfile) {
  std::vector<Instruction> all;
  std::istringstream lines(dockerfile);
  bool goes_on = false;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t first = line.find_first_not_of(" \t");
    if (first == std::string::npos || line[first] == '#')
      continue;
    const bool continued = line.back() == '\\';
    if (continued)
      line.pop_back();
    if (goes_on) {
      all.back().rest += line.substr(first);
    } else {
      const std::size_t blank = line.find(' ', first);
      all.push_back({line.substr(first, blank - first), line.substr(blank + 1)});
    }
    goes_on = continued;
  }
  return all;
}

std::string quoted(const std::string &text) {
  std::string safe = "'";
  for (const char c : text)
    safe += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return safe + "'";
}

// What an engine would do with the file, as a script in which `in_root USER FOLDER
// COMMAND` runs a command in the machine that is made. Throws for what it doesn't know.
std::string script_of(const std::vector<Instruction> &instructions) {
  std::string script, user = "root", folder = "/", environment;
  for (const auto &[name, rest] : instructions) {
    std::vector<std::string> words;
    std::istringstream in(rest);
    for (std::string word; in >> word;)
      words.push_back(word);
    if (name == "ARG" || (name == "FROM" && words.size() == 3))
      continue; // both stages, one on the other
    if (name == "USER") {
      user = rest;
    } else if (name == "WORKDIR") {
      folder = rest;
      script += fmt::format("mkdir -p \"$root\"{}\n", rest);
    } else if (name == "ENV") {
      environment += fmt::format("export {}; ", rest);
    } else if (name == "RUN") {
      script += fmt::format("in_root {} {} {}\n", user, folder, quoted(environment + rest));
    } else if (name == "COPY") {
      const bool owned = words.front().starts_with("--chown=");
      const std::string to = words.back();
      script += fmt::format("mkdir -p \"$root\"{}\n", to);
      for (std::size_t i = owned ? 1 : 0; i + 1 < words.size(); ++i)
        script += words[i] == "." ? fmt::format("sources \"$root\"{}\n", to)
                                  : fmt::format("cp \"$clone\"/{} \"$root\"{}\n", words[i], to);
      if (owned)
        script += fmt::format("in_root root / 'chown -R {} {}'\n", words.front().substr(8), to);
    } else {
      throw std::runtime_error(fmt::format("this test does not know {} {}", name, rest));
    }
  }
  return script;
}

json configuration() {
  return json::parse(text_of(source / ".devcontainer" / "devcontainer.json"), nullptr, true, true);
}

// What the Dockerfile sets for all that runs in the container.
std::string environment_of(const std::vector<Instruction> &instructions) {
  std::string exports;
  for (const auto &[name, rest] : instructions)
    if (name == "ENV")
      exports += fmt::format("export {}; ", rest);
  return exports;
}

// The commands of devcontainer.json that run as the container is made, or as it starts.
std::string commands_of(const json &said, const std::vector<std::string> &names,
                        const std::string &environment) {
  std::string script;
  for (const std::string &name : names)
    if (said.contains(name))
      script += fmt::format("echo \"== {}\"\nin_root {} {} {}\n", name,
                            said.at("remoteUser").get<std::string>(),
                            said.at("workspaceFolder").get<std::string>(),
                            quoted(environment + said.at(name).get<std::string>()));
  return script;
}

constexpr const char *prelude = R"sh(set -eu
root=$1 clone=$2
in_root() { # user, folder, command: with the environment that a container would give
  echo "[$(date +%T)] $1: $(echo "$3" | head -c 90)"
  home=$(awk -F: -v u="$1" '$1 == u { print $6 }' "$root/etc/passwd")
  chroot --userspec="$1" "$root" /usr/bin/env -i HOME="$home" USER="$1" LAB_MONITORING=beside \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    sh -c 'cd "$1" && exec sh -c "$2"' sh "$2" "$3" </dev/null
}
sources() { # what git knows, as it stands here
  (cd "$clone" && git -c safe.directory='*' ls-files -z -co --exclude-standard |
    xargs -0 sh -c 'for f; do [ ! -e "$f" ] || printf "%s\0" "$f"; done' sh |
    tar --null -T - -cf - | tar -xf - --no-same-owner -C "$1")
}
)sh";

constexpr const char *mounts = R"sh(mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
mount -t tmpfs -o mode=1777 tmpfs "$root/run"
)sh";

TEST(Dockerfile, IsReadAsAnEngineReadsIt) {
  const auto read = instructions_of("# a comment\nRUN one \\\n  # inside\n  && 'two'\nUSER me\n");
  ASSERT_EQ(read.size(), 2U);
  EXPECT_EQ(read[0].rest, "one && 'two'");
  EXPECT_EQ(script_of(read), "in_root root / 'one && '\\''two'\\'''\n");
  EXPECT_EQ(script_of(instructions_of("ENV A=b\nUSER me\nWORKDIR /x\nRUN y\n")),
            "mkdir -p \"$root\"/x\nin_root me /x 'export A=b; y'\n");
  EXPECT_THROW(script_of({{"ADD", "x y"}}), std::runtime_error);
}

TEST(SetUpSteps, MakeALabThatIsUpInABareDebian) {
  if (std::getenv("LAB_TEST_FULL") == nullptr)
    GTEST_SKIP() << "takes some ten minutes: scripts/test --full does it";
  if (::geteuid() != 0)
    GTEST_SKIP() << "a root file system of its own needs root";
  if (!fs::exists("/usr/sbin/debootstrap"))
    GTEST_SKIP() << "debootstrap is not installed (apt-get install debootstrap)";

  std::string folder = fs::temp_directory_path() / "dev-container-test-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  ::chmod(folder.c_str(), 0755);
  const fs::path root = fs::path(folder) / "root";
  const auto done = [&](const std::vector<std::string> &argv, std::chrono::milliseconds limit) {
    const auto ended = db::run({.argv = argv}, limit);
    EXPECT_TRUE(ended.well()) << argv[0] << ": "
                              << ended.output.substr(
                                     ended.output.size() > 6000 ? ended.output.size() - 6000 : 0);
    return ended;
  };

  // A base that was made before may be named, to try the steps alone.
  const char *base = std::getenv("LAB_TEST_DEBIAN");
  const bool bare =
      base != nullptr ? done({"cp", "-a", base, root}, 5min).well()
                      : done({"debootstrap", "--variant=minbase", "bookworm", root}, 15min).well();
  if (bare) {
    fs::copy_file("/etc/resolv.conf", root / "etc/resolv.conf",
                  fs::copy_options::overwrite_existing);
    // As Debian's image for engines has it: a machine that is made anew fears no power cut.
    std::ofstream(root / "etc/dpkg/dpkg.cfg.d/unsafe-io") << "force-unsafe-io\n";
    const json said = configuration();
    const std::string workspace = said.at("workspaceFolder");
    const std::string user = said.at("remoteUser");
    const auto in_root = [&](const std::string &command) {
      return fmt::format("in_root {} {} {}\n", user, workspace, quoted(command));
    };
    const auto dockerfile = instructions_of(text_of(source / ".devcontainer" / "Dockerfile"));
    const std::string environment = environment_of(dockerfile);
    const std::string make = commands_of(
        said, {"onCreateCommand", "updateContentCommand", "postCreateCommand"}, environment);
    const std::string start = commands_of(said, {"postStartCommand"}, environment);
    const std::string image =
        script_of(dockerfile) +
        fmt::format(
            "mkdir -p \"$root\"{0}\nsources \"$root\"{0}\nin_root root / 'chown -R {1} {0}'\n",
            workspace, user);
    int container = 0;
    // All processes end with it, as when a container is stopped: nobody is told before.
    const auto run_container = [&](const std::string &before, const std::string &alone) {
      const fs::path outer = fs::path(folder) / fmt::format("outer-{}", ++container);
      const fs::path inner = fs::path(folder) / fmt::format("inner-{}", container);
      std::ofstream(outer) << prelude << mounts << before
                           << fmt::format("unshare --net sh {} \"$root\" \"$clone\"\n",
                                          quoted(inner.string()));
      // Here nothing needs a network, and the ports are nobody else's.
      std::ofstream(inner) << prelude << "ip link set lo up\n" << alone;
      const auto ended = done({"unshare", "--mount", "--pid", "--fork", "--kill-child", "sh",
                               outer.string(), root.string(), source.string()},
                              45min);
      if (const char *to = std::getenv("LAB_TEST_LOG"))
        std::ofstream(to, std::ios::app) << ended.output;
      return ended.output;
    };
    const std::string first =
        run_container(image, make + start + in_root("scripts/lab status && echo clean"));
    const bool up = first.find("\nclean\n") != std::string::npos;
    EXPECT_TRUE(up);
    if (up) {
      const std::string again = run_container(
          "", start + in_root("scripts/lab status && echo clean && scripts/lab down"));
      EXPECT_THAT(again, HasSubstr("\nclean\n"));
      EXPECT_THAT(again, HasSubstr("stopped: PostgreSQL exporter, host, agent, PostgreSQL"));
    }
  }
  // Nothing of it is mounted outside the namespace; --one-file-system all the same.
  (void)db::run({.argv = {"rm", "-rf", "--one-file-system", folder}}, 5min);
}

} // namespace
} // namespace lab
