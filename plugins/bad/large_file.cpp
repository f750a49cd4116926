// Writes a log without end.
#include <cstdio>

#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct LargeFile {
  std::FILE *log = std::tmpfile();
  ~LargeFile() { std::fclose(log); }
  Plan look(const Observation &seen) {
    for (int i = 0; i < 5000; ++i)
      std::fprintf(log, "look %lld\n", static_cast<long long>(seen.now));
    return {};
  }
};

POOL_LAB_STRATEGY(LargeFile, "Writes a log without end.");
