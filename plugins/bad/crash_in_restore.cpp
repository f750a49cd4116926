// Trusts the bytes that it is given.
#include <cstring>

#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct CrashInRestore {
  size_t save(void *bytes, size_t capacity) {
    const size_t length = 0;
    if (capacity >= sizeof length)
      std::memcpy(bytes, &length, sizeof length);
    return sizeof length;
  }
  bool restore(const void *bytes, size_t size) {
    size_t length = 0;
    if (size >= sizeof length)
      std::memcpy(&length, bytes, sizeof length);
    volatile char last = static_cast<const char *>(bytes)[length];
    return last != 1;
  }
  Plan look(const Observation &seen) {
    (void)seen;
    return {};
  }
};

POOL_LAB_STRATEGY(CrashInRestore, "Trusts the bytes that it is given.");
