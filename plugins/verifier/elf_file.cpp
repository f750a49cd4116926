#include "plugins/verifier/elf_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

#include <elf.h>

#include <fmt/core.h>

namespace lab::plugin {
namespace {

namespace fs = std::filesystem;

#if defined(__x86_64__)
constexpr Elf64_Half this_machine = EM_X86_64;
#elif defined(__aarch64__)
constexpr Elf64_Half this_machine = EM_AARCH64;
#else
#error "add this machine's e_machine"
#endif

// True when `size` bytes at `offset` lie inside a file of `length` bytes.
bool inside(std::uint64_t offset, std::uint64_t size, std::uint64_t length) {
  return offset <= length && size <= length - offset;
}

std::string cut_off(std::uint64_t length) {
  return fmt::format("it is cut off after {} bytes: the build did not end, build it again", length);
}

} // namespace

std::optional<std::string> problem_with_file(const fs::path &file) {
  std::error_code failed;
  const fs::file_status status = fs::status(file, failed);
  if (status.type() == fs::file_type::not_found)
    return "there is no such file";
  if (failed)
    return "it can't be looked at: " + failed.message();
  if (!fs::is_regular_file(status))
    return "it is not a file";
  const std::uint64_t length = fs::file_size(file, failed);
  std::ifstream in(file, std::ios::binary);
  if (failed || !in)
    return "it can't be read: " + std::generic_category().message(errno);
  if (length == 0)
    return "the file is empty: the build did not end, build it again";

  Elf64_Ehdr header{};
  in.read(reinterpret_cast<char *>(&header), sizeof header);
  const auto got = static_cast<std::size_t>(in.gcount());
  if (got < SELFMAG || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
    return "it is no shared library (it does not begin as an ELF file does): build it with g++ "
           "-shared";
  if (got > EI_CLASS && header.e_ident[EI_CLASS] == ELFCLASS32)
    return "it is a 32-bit library, and the host has 64 bits: build it without -m32";
  if (got < sizeof header)
    return cut_off(length);
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
      header.e_machine != this_machine)
    return "it was built for another kind of processor: build it on this machine";
  if (header.e_type != ET_DYN)
    return fmt::format("it is an ELF file but no shared library{}: build it with g++ -shared -fPIC",
                       header.e_type == ET_REL ? " (an object file, not linked)" : "");

  if (header.e_phnum == 0 || header.e_phentsize != sizeof(Elf64_Phdr) ||
      !inside(header.e_phoff, std::uint64_t{header.e_phnum} * sizeof(Elf64_Phdr), length) ||
      !inside(header.e_shoff, std::uint64_t{header.e_shnum} * header.e_shentsize, length))
    return cut_off(length);
  // Loading a segment that ends past the file is a SIGBUS later.
  in.clear();
  in.seekg(static_cast<std::streamoff>(header.e_phoff));
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment{};
    in.read(reinterpret_cast<char *>(&segment), sizeof segment);
    if (!in || (segment.p_type == PT_LOAD && !inside(segment.p_offset, segment.p_filesz, length)))
      return cut_off(length);
  }
  return std::nullopt;
}

} // namespace lab::plugin
