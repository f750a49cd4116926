#include "loadtest/lab/test_home.hpp"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "loadtest/lab/files.hpp"
#include "loadtest/lab/lab_processes.hpp"
#include "loadtest/lab/ports.hpp"

namespace lab::cli {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

TestFolder::TestFolder() {
  std::string name = fs::temp_directory_path() / "lab-set-up-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr)
    throw std::runtime_error("no folder can be made in " + fs::temp_directory_path().string());
  path_ = name;
  ::chmod(path_.c_str(), 0755);
}

TestFolder::~TestFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

TestDisk::TestDisk(fs::path at, int megabytes) : at_(std::move(at)) {
  fs::create_directories(at_);
  if (::mount("none", at_.c_str(), "tmpfs", 0, fmt::format("size={}m", megabytes).c_str()) != 0)
    throw std::runtime_error(at_.string() + " can't be mounted");
}

TestDisk::~TestDisk() {
  ::umount2(at_.c_str(), MNT_DETACH);
}

void TestDisk::resize(int megabytes) const {
  if (::mount("none", at_.c_str(), "tmpfs", MS_REMOUNT,
              fmt::format("size={}m", megabytes).c_str()) != 0)
    throw std::runtime_error(at_.string() + " can't be mounted anew");
}

void TestDisk::fill() const {
  std::ofstream out(at_ / "filler", std::ios::binary | std::ios::app);
  const std::string piece(1 << 16, 'x');
  while (out.write(piece.data(), static_cast<std::streamsize>(piece.size())).flush()) {
  }
}

void TestDisk::free() const {
  fs::remove(at_ / "filler");
}

TestLab::Said run_apart(std::vector<std::string> argv, const Ways &ways) {
  const TestFolder folder;
  argv.insert(argv.begin(), ways.through.begin(), ways.through.end());
  db::Launch how{.argv = std::move(argv), .environment = ways.environment, .user = ways.user};
  how.limits = ways.limits;
  how.out = db::Output::captured();
  how.err = db::Output::appended_to(folder.path() / "errors");
  db::Child child(how);
  const auto end = child.wait_for(900s); // a whole build, at most
  if (!end)
    child.send(SIGKILL);
  return {end ? end->status : -1, child.output(),
          text_of_file(folder.path() / "errors").value_or("")};
}

// Bases that other test programs running beside this one don't try.
static unsigned short own_port() {
  return free_port_after(static_cast<unsigned short>(30'000 + ::getpid() % 100));
}

TestHome::TestHome()
    : folder_(std::in_place), places_(folder_->path() / "a home", folder_->path() / "work"),
      port_(own_port()) {
  install();
}

TestHome::TestHome(fs::path home, fs::path work)
    : places_(std::move(home), std::move(work)), port_(own_port()) {
  install();
}

TestHome::~TestHome() {
  if (fs::exists(places_.program("lab"))) // a test may have removed it
    (void)lab({"down"});
  for (const LabProcess &left : lab_processes(places_))
    (void)end_process(left.id, 0ms);
}

void TestHome::install() const {
  const auto installed =
      db::run({.argv = {LAB_CMAKE, "--install", LAB_BUILD, "--prefix", places_.app()}}, 60s);
  if (!installed.well())
    throw std::runtime_error(installed.output);
}

TestLab::Said TestHome::lab(const std::vector<std::string> &arguments, const Ways &ways) const {
  std::vector<std::string> argv = {places_.program("lab")};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  Ways with_places = ways;
  with_places.environment.merge(places_.environment());
  return run_apart(std::move(argv), with_places);
}

nlohmann::json TestHome::status() const {
  return nlohmann::json::parse(lab({"status", "--json"}).out);
}

bool is_root() {
  return ::geteuid() == 0;
}

bool is_one_line(const std::string &text) {
  return std::count(text.begin(), text.end(), '\n') == 1 && text.back() == '\n';
}

} // namespace lab::cli
