#include "loadtest/lab/test_lab.hpp"

#include <cstdlib>
#include <stdexcept>
#include <thread>

#include <sys/stat.h>
#include <unistd.h>

#include "loadtest/lab/files.hpp"
#include "loadtest/lab/ports.hpp"

namespace lab::cli {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

bool eventually(const std::function<bool()> &holds, std::chrono::milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  for (;;) {
    try {
      if (holds())
        return true;
    } catch (const HostUnreachable &) {
      // It is being started anew.
    }
    if (std::chrono::steady_clock::now() > deadline)
      return false;
    std::this_thread::sleep_for(10ms);
  }
}

TestLab::TestLab() {
  std::string name = fs::temp_directory_path() / "lab-test-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr)
    throw std::runtime_error("no folder can be made in " + fs::temp_directory_path().string());
  folder_ = name;
  ::chmod(folder_.c_str(), 0755); // the lab's user has to pass
  places_ = std::make_unique<Places>(folder_ / "a home", folder_ / "work");
  const auto installed =
      db::run({.argv = {LAB_CMAKE, "--install", LAB_BUILD, "--prefix", places_->app()}}, 60s);
  if (!installed.well())
    throw std::runtime_error(installed.output);
  // Not the port of another such lab that is down for a moment; and the next one, for a
  // second host.
  port_ = free_port_after(static_cast<unsigned short>(20'000 + ::getpid() % 50 * 2), 2);
  const Said up = lab({"up", "--port", std::to_string(port_)});
  if (up.status != 0)
    throw std::runtime_error(up.err);
}

TestLab::~TestLab() {
  (void)lab({"down"});
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

db::Launch TestLab::launch(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), places_->program("lab"));
  return {.argv = std::move(arguments), .environment = places_->environment()};
}

TestLab::Said TestLab::lab(std::vector<std::string> arguments) const {
  db::Launch how = launch(std::move(arguments));
  const auto errors = folder_ / "errors";
  fs::remove(errors);
  how.out = db::Output::captured();
  how.err = db::Output::appended_to(errors);
  db::Child child(how);
  const auto end = child.wait_for(300s);
  return {end ? end->status : -1, child.output(), text_of_file(errors).value_or("")};
}

nlohmann::json TestLab::status() const {
  return nlohmann::json::parse(lab({"status", "--json"}).out);
}

} // namespace lab::cli
