/** Counts of waits in log-linear buckets, as host/bench/wait_histogram.hpp has them. */
final class Waits {
  private static final int SUB_BITS = 5;
  private static final int HALF = 1 << SUB_BITS;
  private static final long LARGEST = (1L << 40) - 1;

  private final long[] counts = new long[(40 - SUB_BITS + 1) * HALF];
  private long longest = 0;

  void record(long wait) {
    long value = Math.min(Math.max(wait, 0), LARGEST);
    int shift = Math.max(0, 64 - Long.numberOfLeadingZeros(value) - (SUB_BITS + 1));
    counts[(shift << SUB_BITS) + (int) (value >> shift)]++;
    longest = Math.max(longest, value);
  }

  void merge(Waits other) {
    for (int i = 0; i < counts.length; i++) {
      counts[i] += other.counts[i];
    }
    longest = Math.max(longest, other.longest);
  }

  /** [[nanoseconds, count], ...]; the longest is exact, others are their bucket's least. */
  String toJson() {
    StringBuilder json = new StringBuilder("[");
    int last = counts.length - 1;
    while (last >= 0 && counts[last] == 0) {
      last--;
    }
    for (int i = 0; i <= last; i++) {
      long count = i == last ? counts[i] - 1 : counts[i];
      if (count > 0) {
        json.append(json.length() > 1 ? "," : "").append('[').append(lower(i)).append(',');
        json.append(count).append(']');
      }
    }
    if (last >= 0) {
      json.append(json.length() > 1 ? "," : "").append('[').append(longest).append(",1]");
    }
    return json.append(']').toString();
  }

  private static long lower(int bucket) {
    return bucket < 2 * HALF ? bucket : (long) (bucket % HALF + HALF) << (bucket / HALF - 1);
  }
}
