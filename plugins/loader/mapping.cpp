#include "plugins/loader/mapping.hpp"

#include <cstdint>
#include <fstream>
#include <sstream>

namespace lab::plugin {
namespace {

struct Line {
  std::uintptr_t from = 0;
  std::uintptr_t to = 0;
  MappedFile file;
};

// "7f00-7f10 r-xp 00000000 08:01 1234   /path with spaces.so (deleted)"
std::optional<Line> parse(const std::string &text) {
  std::istringstream in(text);
  Line line;
  char dash = 0;
  std::string permissions, offset, device, inode;
  in >> std::hex >> line.from >> dash >> line.to >> permissions >> offset >> device >> inode;
  if (!in || inode == "0")
    return std::nullopt;
  line.file.device_and_inode = device + " " + inode;
  std::getline(in >> std::ws, line.file.path);
  return line;
}

} // namespace

std::optional<MappedFile> file_mapped_at(const void *address) {
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  std::ifstream maps("/proc/self/maps");
  for (std::string text; std::getline(maps, text);)
    if (const auto line = parse(text); line && line->from <= wanted && wanted < line->to)
      return line->file;
  return std::nullopt;
}

std::optional<CodeAddress> code_address(const void *address) {
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  std::ifstream maps("/proc/self/maps");
  std::string file; // of the lines just before, and where its first part begins
  std::uintptr_t base = 0;
  for (std::string text; std::getline(maps, text);) {
    const auto line = parse(text);
    if (!line)
      continue;
    if (line->file.path != file) {
      file = line->file.path;
      base = line->from;
    }
    if (line->from <= wanted && wanted < line->to)
      return CodeAddress{file, wanted - base};
  }
  return std::nullopt;
}

bool still_mapped(const MappedFile &file) {
  std::ifstream maps("/proc/self/maps");
  for (std::string text; std::getline(maps, text);) {
    const auto line = parse(text);
    if (line && line->file.device_and_inode == file.device_and_inode &&
        (line->file.path == file.path || line->file.path == file.path + " (deleted)"))
      return true;
  }
  return false;
}

} // namespace lab::plugin
