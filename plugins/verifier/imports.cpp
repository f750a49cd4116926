#include "plugins/verifier/imports.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string_view>

#include <elf.h>

#include <fmt/format.h>

namespace lab::plugin {
namespace {

// The file's bytes, and what lies in them at some place, if it does.
class Bytes {
public:
  explicit Bytes(const std::filesystem::path &file) {
    std::ifstream in(file, std::ios::binary);
    bytes_.assign(std::istreambuf_iterator<char>(in), {});
  }

  template <class T> bool read(T &out, std::uint64_t offset) const {
    if (offset > bytes_.size() || sizeof out > bytes_.size() - offset)
      return false;
    std::memcpy(&out, bytes_.data() + offset, sizeof out);
    return true;
  }

  std::string text(std::uint64_t offset) const {
    if (offset >= bytes_.size())
      return "";
    const auto begin = bytes_.begin() + static_cast<std::ptrdiff_t>(offset);
    return {begin, std::find(begin, bytes_.end(), '\0')};
  }

private:
  std::string bytes_;
};

struct Habit {
  std::string_view advice;
  std::vector<std::string_view> names; // one that ends in * stands for all that begin so
};

const std::vector<Habit> &known_habits() {
  static const std::vector<Habit> all = {
      {"starts threads of its own: use next_look to be asked again",
       {"pthread_create", "thrd_create", "_ZNSt6thread15_M_start_thread*"}},
      {"reads a clock of its own, so it can't be replayed: use the time of the observation",
       {"clock_gettime", "gettimeofday", "time", "clock", "timespec_get",
        "_ZNSt6chrono3_V212steady_clock3nowEv", "_ZNSt6chrono3_V212system_clock3nowEv"}},
      {"has random numbers of its own, so it can't be replayed: use the observation's `random`",
       {"rand", "random", "rand_r", "drand48", "lrand48", "mrand48", "getrandom", "getentropy",
        "arc4random*", "_ZNSt13random_device*"}},
      {"sleeps or waits: every call must come back at once",
       {"sleep", "usleep", "nanosleep", "clock_nanosleep", "poll", "select", "pthread_cond_wait",
        "pthread_cond_timedwait", "_ZNSt18condition_variable*"}},
      {"opens files or sockets: a strategy sees only what it is shown",
       {"fopen", "fopen64", "open", "open64", "openat", "openat64", "socket", "connect",
        "_ZNSt13basic_filebuf*", "_ZNSt14basic_ifstream*", "_ZNSt14basic_ofstream*",
        "_ZNSt13basic_fstream*"}},
      {"starts other programs: a strategy only computes a plan",
       {"system", "popen", "fork", "vfork", "execv*", "execl*", "posix_spawn*"}}};
  return all;
}

bool is_one_of(std::string_view name, const Habit &habit) {
  return std::any_of(habit.names.begin(), habit.names.end(), [&](std::string_view known) {
    return known.back() == '*'
               ? name.substr(0, known.size() - 1) == known.substr(0, known.size() - 1)
               : name == known;
  });
}

} // namespace

std::vector<std::string> imported_names(const std::filesystem::path &library) {
  const Bytes bytes(library);
  std::vector<std::string> names;
  Elf64_Ehdr header{};
  if (!bytes.read(header, 0) || header.e_shentsize != sizeof(Elf64_Shdr))
    return names;
  const auto section = [&](std::uint64_t number, Elf64_Shdr &out) {
    return number < header.e_shnum && bytes.read(out, header.e_shoff + number * sizeof(Elf64_Shdr));
  };
  Elf64_Shdr symbols{}, strings{};
  for (std::uint64_t i = 0; i < header.e_shnum; ++i)
    if (section(i, symbols) && symbols.sh_type == SHT_DYNSYM && section(symbols.sh_link, strings)) {
      Elf64_Sym symbol{};
      for (std::uint64_t at = 0; at + sizeof symbol <= symbols.sh_size; at += sizeof symbol) {
        if (!bytes.read(symbol, symbols.sh_offset + at))
          break; // cut off
        if (symbol.st_shndx == SHN_UNDEF && symbol.st_name != 0)
          names.push_back(bytes.text(strings.sh_offset + symbol.st_name));
      }
    }
  return names;
}

std::vector<std::string> habits(const std::vector<std::string> &imported) {
  std::vector<std::string> lines;
  for (const Habit &habit : known_habits()) {
    const auto found = std::find_if(imported.begin(), imported.end(), [&](const std::string &name) {
      return is_one_of(name, habit);
    });
    if (found != imported.end())
      lines.push_back(fmt::format("it {} ({})", habit.advice, *found));
  }
  return lines;
}

} // namespace lab::plugin
