// Whether a file's code is still in this process: the only proof that a closed
// library is gone, because dlclose answers success either way. [any thread]
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace lab::plugin {

// A mapped file as /proc/self/maps names it. Compared in the kernel's own
// words: stat() gives other device numbers on an overlay file system.
struct MappedFile {
  std::string device_and_inode;
  std::string path;
};

// The file mapped at `address`; nothing when no file is.
std::optional<MappedFile> file_mapped_at(const void *address);

// An address of code as tools that read the file count it (addr2line): from where the
// file's first part is mapped.
struct CodeAddress {
  std::string path;
  std::uintptr_t offset = 0;
};
std::optional<CodeAddress> code_address(const void *address);

// True while any part of it is mapped, also when it has been deleted since.
bool still_mapped(const MappedFile &file);

} // namespace lab::plugin
