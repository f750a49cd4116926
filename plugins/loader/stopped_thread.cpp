#include "plugins/loader/stopped_thread.hpp"

#include <cstring>

#include <dlfcn.h>
#include <ucontext.h>

namespace lab::plugin {
namespace {

// glibc keeps its last words in memory, for those who read a core; so it lays them out.
struct LastWords {
  unsigned size;
  char text[1];
};

// Looked up before any handler runs, which must not.
LastWords *const *const last_words =
    static_cast<LastWords *const *>(::dlsym(RTLD_DEFAULT, "__abort_msg"));

} // namespace

void *program_counter(const void *context) noexcept {
  if (context == nullptr)
    return nullptr;
  const auto &machine = static_cast<const ucontext_t *>(context)->uc_mcontext;
#if defined(__x86_64__)
  return reinterpret_cast<void *>(machine.gregs[REG_RIP]);
#else
  return reinterpret_cast<void *>(machine.pc);
#endif
}

Complaint take_complaint() noexcept {
  Complaint taken{};
  if (last_words == nullptr || *last_words == nullptr)
    return taken;
  char *text = (*last_words)->text;
  for (std::size_t i = 0; i + 1 < taken.size() && text[i] != '\0' && text[i] != '\n'; ++i)
    taken[i] = text[i];
  text[0] = '\0';
  return taken;
}

bool tells_of_damage(const char *complaint) noexcept {
  return *complaint != '\0' && (std::strstr(complaint, "Assertion") == nullptr ||
                                std::strstr(complaint, "malloc") != nullptr);
}

} // namespace lab::plugin
