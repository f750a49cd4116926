#include "plugins/loader/library.hpp"

#include <array>
#include <cstring>
#include <utility>

#include <dlfcn.h>

#include <boost/dll/shared_library.hpp>
#include <fmt/core.h>

#include "plugins/loader/mapping.hpp"
#include "plugins/loader/shown_text.hpp"
#include "plugins/loader/table.hpp"

namespace lab::plugin {

struct Library::Handle {
  boost::dll::shared_library library;
  std::optional<MappedFile> mapped;
  Handle *next_kept = nullptr; // in the list of the quarantined
};

namespace {

// The linker's words begin with the path of the private copy, which tells the
// author nothing.
std::string linker_text(const std::filesystem::path &file) {
  const char *raw = ::dlerror();
  std::string text = raw == nullptr ? "the dynamic linker gave no reason" : raw;
  if (const std::string path = file.string() + ": "; text.rfind(path, 0) == 0)
    text.erase(0, path.size());
  return shown_text(text);
}

std::string what_to_do(const std::string &linker) {
  if (linker.find("undefined symbol") != std::string::npos)
    return ": define it, or link what defines it";
  if (linker.find("cannot open shared object file") != std::string::npos &&
      linker.find(".so") != std::string::npos)
    return ": it needs a library that is not here";
  return ": build it again as a shared library (g++ -shared -fPIC)";
}

// Runs author's code. An exception ends here, and its text is copied while the
// library that owns its type is still mapped.
template <class Call> CallResult stopped_at_the_border(const char *function, Call call) {
  try {
    return call();
  } catch (const std::exception &e) {
    return CallFailure{true, fmt::format("{} threw an exception across the C interface: {}",
                                         function, text_of(e.what()))};
  } catch (...) {
    return CallFailure{
        true,
        fmt::format("{} threw an exception of an unknown type across the C interface", function)};
  }
}

// A buffer for one line that the library writes. The last byte is ours.
class ErrorText {
public:
  pl_text *out() { return &text_; }
  std::string shown() const {
    return shown_text({buffer_.data(), ::strnlen(buffer_.data(), buffer_.size())});
  }

private:
  std::array<char, 512> buffer_{};
  pl_text text_{buffer_.data(), buffer_.size() - 1};
};

CallResult answered(const char *function, std::int32_t code, const ErrorText &error) {
  if (code == 0)
    return std::nullopt;
  const std::string text = error.shown();
  return CallFailure{false, text.empty() ? fmt::format("{} answered {}", function, code)
                                         : fmt::format("{} failed: {}", function, text)};
}

} // namespace

Library::Library(const std::filesystem::path &file)
    : file_(file), handle_(std::make_unique<Handle>()) {
  namespace load_mode = boost::dll::load_mode;
  boost::dll::fs::error_code failed;
  // Boost.DLL keeps no reason; the linker's own is read right after it.
  handle_->library.load(file.string(), failed,
                        load_mode::type(load_mode::rtld_now | load_mode::rtld_local));
  if (failed) {
    const std::string reason = linker_text(file);
    throw Unusable("load", "it can't be loaded: " + reason + what_to_do(reason));
  }
  if (!handle_->library.has(POOL_LAB_ENTRY))
    throw Unusable("entry", "it exports no function " POOL_LAB_ENTRY
                            ": end the file with POOL_LAB_STRATEGY(Type, \"summary\")");
  const auto entry = handle_->library.get<const pl_strategy *()>(POOL_LAB_ENTRY);
  handle_->mapped = file_mapped_at(reinterpret_cast<const void *>(entry));
  const pl_strategy *table = nullptr;
  if (const CallResult failure = stopped_at_the_border(POOL_LAB_ENTRY, [&]() -> CallResult {
        table = entry();
        return std::nullopt;
      }))
    throw Unusable("entry", failure->text);
  table_ = checked_copy(table);
  summary_ = text_of(table_.summary);
  params_ = checked_params(table_);
}

Library::~Library() {
  if (handle_ && instances_ == 0)
    (void)close();
  else
    quarantine(); // code that an instance still points into must stay
}

Closed Library::close() {
  if (closed_)
    return *closed_;
  if (!handle_)
    return {false, "it is quarantined: a call into it never came back, or threw across the C "
                   "interface, so its code stays mapped"};
  if (const int alive = instances_; alive != 0)
    return {false, fmt::format("{} of its instances still live", alive)};
  const std::optional<MappedFile> mapped = handle_->mapped;
  handle_.reset();
  Closed closed;
  closed.unmapped = mapped && !still_mapped(*mapped);
  if (!closed.unmapped)
    closed.problem =
        mapped ? "its code stays mapped after closing: avoid thread_local objects with "
                 "destructors, and build with -fvisibility=hidden -fno-gnu-unique and the "
                 "lab's strategy.map"
               : "whether its code is unmapped can't be told: /proc/self/maps is not readable";
  closed_ = closed;
  return closed;
}

void Library::quarantine() noexcept {
  if (!handle_)
    return;
  // Kept for ever on purpose: a closed handle would unmap the code under a thread
  // that stands in it. Without a lock and without an allocation, because that
  // thread may stand in malloc.
  static std::atomic<Handle *> kept{nullptr};
  Handle *handle = handle_.release();
  handle->next_kept = kept;
  while (!kept.compare_exchange_weak(handle->next_kept, handle))
    continue;
}

Instance::Instance(Library &library) : library_(library) {
  if (!library.handle_)
    throw Unusable("create", "its library is closed");
  ErrorText error;
  const CallResult failure = stopped_at_the_border("create", [&]() -> CallResult {
    self_ = library_.table_.create(error.out());
    return std::nullopt;
  });
  if (failure)
    throw Unusable("create", failure->text);
  if (self_ == nullptr) {
    const std::string text = error.shown();
    throw Unusable("create", text.empty()
                                 ? "create answered NULL: it must return an instance, or say "
                                   "why not in `error`"
                                 : "create failed: " + text);
  }
  ++library_.instances_;
}

Instance::~Instance() {
  (void)destroy();
}

CallResult Instance::destroy() {
  if (self_ == nullptr)
    return std::nullopt;
  const CallResult result = stopped_at_the_border("destroy", [&]() -> CallResult {
    library_.table_.destroy(self_);
    return std::nullopt;
  });
  self_ = nullptr;
  --library_.instances_;
  return result;
}

CallResult Instance::look(const pl_observation &seen, pl_plan &plan) {
  return stopped_at_the_border("look", [&] {
    ErrorText error;
    const std::int32_t code = library_.table_.look(self_, &seen, &plan, error.out());
    return answered("look", code, error);
  });
}

CallResult Instance::set(std::uint32_t param, double value) {
  if (param >= library_.params_.size())
    return CallFailure{false, fmt::format("it has no parameter {}", param)};
  if (const auto problem = problem_with(library_.params_[param], value))
    return CallFailure{false, *problem};
  return stopped_at_the_border("set", [&] {
    ErrorText error;
    const std::int32_t code = library_.table_.set(self_, param, value, error.out());
    return answered("set", code, error);
  });
}

CallResult Instance::admit(const pl_ask &ask, pl_verdict &verdict) {
  verdict = {};
  verdict.struct_size = sizeof verdict;
  if (!library_.has_admit())
    return std::nullopt;
  return stopped_at_the_border("admit", [&] {
    ErrorText error;
    const std::int32_t code = library_.table_.admit(self_, &ask, &verdict, error.out());
    return answered("admit", code, error);
  });
}

CallResult Instance::explain(std::string &why) {
  why.clear();
  if (!library_.has_explain())
    return std::nullopt;
  return stopped_at_the_border("explain", [&]() -> CallResult {
    ErrorText line;
    const std::int32_t code = library_.table_.explain(self_, line.out());
    if (code != 0)
      return answered("explain", code, line);
    why = line.shown();
    return std::nullopt;
  });
}

CallResult Instance::save(std::vector<std::byte> &bytes) {
  bytes.clear();
  if (!library_.has_save())
    return std::nullopt;
  return stopped_at_the_border("save", [&]() -> CallResult {
    bytes.resize(4096);
    std::size_t size = library_.table_.save(self_, bytes.data(), bytes.size());
    if (size > bytes.size() && size <= max_saved_bytes) {
      bytes.resize(size);
      size = library_.table_.save(self_, bytes.data(), bytes.size());
    }
    if (size == POOL_LAB_NOT_SAVED) {
      bytes.clear();
      return CallFailure{false, "save failed, or threw an exception"};
    }
    if (size > bytes.size()) {
      bytes.clear();
      return CallFailure{false, fmt::format("save asked for {} bytes: at most {} are kept", size,
                                            max_saved_bytes)};
    }
    bytes.resize(size);
    return std::nullopt;
  });
}

CallResult Instance::restore(const std::vector<std::byte> &bytes) {
  if (!library_.has_restore())
    return std::nullopt;
  return stopped_at_the_border("restore", [&] {
    ErrorText error;
    const std::int32_t code =
        library_.table_.restore(self_, bytes.data(), bytes.size(), error.out());
    return answered("restore", code, error);
  });
}

pl_plan default_plan() {
  constexpr pl_ns second = 1'000'000'000;
  constexpr pl_ns minute = 60 * second;
  pl_plan plan{};
  plan.struct_size = sizeof plan;
  plan.max_in_use = 10;
  plan.max_open = POOL_LAB_AUTO;
  plan.min_idle = 0;
  plan.max_connecting = 4;
  plan.max_waiting = POOL_LAB_MAX_SIZE;
  plan.order = PL_FIFO;
  plan.look_when_waiting = 0;
  plan.wait_timeout = 5 * second;
  plan.idle_timeout = 30 * second;
  plan.max_lifetime = 30 * minute;
  plan.next_look = second;
  return plan;
}

} // namespace lab::plugin
