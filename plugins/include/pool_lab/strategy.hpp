// The C++ SDK: a light layer over strategy.h, the C ABI.
//
// A strategy is a plain struct with one function:
//
//   struct Mine {
//     int max = 10;
//     void params(pool_lab::Params &p) { p.add("max", max, 1, 1000, "connections, at most"); }
//     pool_lab::Plan look(const pool_lab::Observation &seen) { ... }
//   };
//   POOL_LAB_STRATEGY(Mine, "one line: what it does")
//
// Optional members, found by their names; one that is named so and has another form does not
// compile:
//
//   void params(Params &p);                        what may be set: p.add(name, field, ...)
//   Verdict admit(const Ask &ask);                 on a request that has to wait
//   void explain(Line &line);                      why the plan is as it is: line << ...
//   size_t save(void *bytes, size_t capacity);     for the next build: write_state
//   bool restore(const void *bytes, size_t size);  false, a fresh start: read_state
//
// A field that is a parameter keeps its initial value as default. A value that `params` answers
// with an exception is refused: the field gets the one before back, by a second call of `params`.
// An exception stops at the boundary, and is a failure: with its text, where the ABI has room for
// one (not in save). What each failure means: pl_strategy.
// Thread rule of every member: [governor], one thread, one call at a time.
//
// The standard headers here are the light ones on purpose: a learner's rebuild
// is nearly all compiler, and <chrono> alone would cost more than the rest.
#pragma once

#include <exception>
#include <new>

#include "pool_lab/strategy.h"

namespace pool_lab {

// A span of time. Written 200_ms, 5_s, 50_us; no bare numbers.
struct Duration {
  pl_ns ns = 0;

  constexpr double seconds() const { return static_cast<double>(ns) / 1e9; }
  constexpr double milliseconds() const { return static_cast<double>(ns) / 1e6; }
  static constexpr Duration from_seconds(double s) { return {static_cast<pl_ns>(s * 1e9)}; }
  static constexpr Duration from_milliseconds(double ms) { return {static_cast<pl_ns>(ms * 1e6)}; }

  friend constexpr bool operator==(Duration a, Duration b) { return a.ns == b.ns; }
  friend constexpr bool operator!=(Duration a, Duration b) { return a.ns != b.ns; }
  friend constexpr bool operator<(Duration a, Duration b) { return a.ns < b.ns; }
  friend constexpr bool operator>(Duration a, Duration b) { return a.ns > b.ns; }
  friend constexpr bool operator<=(Duration a, Duration b) { return a.ns <= b.ns; }
  friend constexpr bool operator>=(Duration a, Duration b) { return a.ns >= b.ns; }
  friend constexpr Duration operator+(Duration a, Duration b) { return {a.ns + b.ns}; }
  friend constexpr Duration operator-(Duration a, Duration b) { return {a.ns - b.ns}; }
  // By any number: exact up to 104 days.
  friend constexpr Duration operator*(Duration a, double k) {
    return {static_cast<pl_ns>(static_cast<double>(a.ns) * k)};
  }
  friend constexpr Duration operator*(double k, Duration a) { return a * k; }
  friend constexpr Duration operator/(Duration a, double k) {
    return {static_cast<pl_ns>(static_cast<double>(a.ns) / k)};
  }
  friend constexpr double operator/(Duration a, Duration b) {
    return static_cast<double>(a.ns) / static_cast<double>(b.ns);
  }
};

inline namespace literals {
constexpr Duration operator""_us(unsigned long long n) {
  return {static_cast<pl_ns>(n) * 1000};
}
constexpr Duration operator""_ms(unsigned long long n) {
  return {static_cast<pl_ns>(n) * 1000000};
}
constexpr Duration operator""_s(unsigned long long n) {
  return {static_cast<pl_ns>(n) * 1000000000};
}
} // namespace literals

namespace glue {
// What both sides know of a struct that grows: the host's may be of another version, and is
// `size` bytes. What it lacks reads as zero.
template <class Struct> void copy_known(Struct &to, const void *from, size_t size) {
  to = Struct{};
  __builtin_memcpy(&to, from, size < sizeof(Struct) ? size : sizeof(Struct));
}
} // namespace glue

enum class Order { fifo = PL_FIFO, lifo = PL_LIFO };

// What a strategy asks of the pool. Meanings and ranges: pl_plan.
struct Plan {
  static constexpr unsigned automatic = POOL_LAB_AUTO;

  unsigned max_in_use = 10;
  unsigned max_open = automatic;
  unsigned min_idle = 0;
  unsigned max_connecting = 4;
  unsigned max_waiting = POOL_LAB_MAX_SIZE;
  Order order = Order::fifo;
  bool look_when_waiting = false;
  Duration wait_timeout = 5_s;
  Duration idle_timeout = 30_s;
  Duration max_lifetime = 1800_s;
  Duration next_look = 1_s;
};

// What a strategy is shown: the ABI's own struct, with the questions that laws
// ask most often. Fields that the host does not know yet read as zero.
struct Observation : pl_observation {
  Duration time() const { return {now}; }
  Duration since_last_look() const { return {window}; }

  // Mean time that requests held a connection; zero when none ended.
  Duration mean_hold() const { return mean(hold[PL_SERVED]); }
  Duration shortest_hold() const { return {hold[PL_SERVED].min}; }
  // Mean time that served requests had waited; zero when none was served.
  Duration mean_wait() const { return mean(wait[PL_SERVED]); }

  // Sample number `i`, 0 <= i < sample_count.
  pl_sample sample(unsigned i) const {
    pl_sample one{};
    glue::copy_known(
        one, reinterpret_cast<const char *>(samples) + static_cast<size_t>(i) * sample_stride,
        sample_stride);
    return one;
  }

  static Duration mean(const pl_total &t) {
    return {t.count == 0 ? 0 : t.sum / static_cast<pl_ns>(t.count)};
  }
};

// A request that has to wait, and what may be decided about it.
using Ask = pl_ask;
struct Verdict {
  unsigned kind = PL_KEEP;
  unsigned place = PL_BACK;
  Duration wait{};

  static Verdict keep() { return {}; }
  static Verdict refuse() { return {PL_REFUSE, PL_BACK, {}}; }
  static Verdict wait_at_back(Duration wait) { return {PL_WAIT, PL_BACK, wait}; }
  static Verdict wait_at_front(Duration wait) { return {PL_WAIT, PL_FRONT, wait}; }
};

// One line of text in a buffer of the host's. What does not fit is cut off.
class Line {
public:
  explicit Line(pl_text *out) : out_(out) {
    if (usable())
      out_->data[0] = '\0';
  }

  Line &operator<<(const char *text) {
    for (; text != nullptr && *text != '\0'; ++text)
      put(*text);
    return *this;
  }
  Line &operator<<(long long n) {
    char digits[24];
    int used = 0;
    const bool negative = n < 0;
    unsigned long long rest =
        negative ? 0ULL - static_cast<unsigned long long>(n) : static_cast<unsigned long long>(n);
    do {
      digits[used++] = static_cast<char>('0' + rest % 10);
      rest /= 10;
    } while (rest != 0);
    if (negative)
      put('-');
    while (used > 0)
      put(digits[--used]);
    return *this;
  }
  Line &operator<<(int n) { return *this << static_cast<long long>(n); }
  Line &operator<<(long n) { return *this << static_cast<long long>(n); }
  Line &operator<<(unsigned n) { return *this << static_cast<long long>(n); }
  Line &operator<<(unsigned long n) { return *this << static_cast<long long>(n); }
  Line &operator<<(unsigned long long n) { return *this << static_cast<long long>(n); }
  // One decimal: enough for a reason that a person reads.
  Line &operator<<(double x) {
    if (!(x > -1e15 && x < 1e15))
      return *this << "?";
    const auto tenths = static_cast<long long>(x * 10 + (x < 0 ? -0.5 : 0.5));
    if (tenths < 0)
      put('-');
    const long long size = tenths < 0 ? -tenths : tenths;
    *this << size / 10;
    put('.');
    return *this << size % 10;
  }
  Line &operator<<(Duration d) { return *this << d.milliseconds() << " ms"; }

private:
  bool usable() const { return out_ != nullptr && out_->data != nullptr && out_->capacity > 0; }
  void put(char c) {
    if (!usable() || used_ + 1 >= out_->capacity)
      return;
    out_->data[used_++] = c;
    out_->data[used_] = '\0';
  }

  pl_text *out_;
  size_t used_ = 0;
};

// Where a strategy names its parameters. The same function serves twice: to
// list them (with the defaults that the fields hold), and to set one.
class Params {
public:
  void add(const char *name, int &field, int min, int max, const char *help) {
    visit(field, name, help, PL_INTEGER, static_cast<double>(field), min, max,
          [](double v) { return static_cast<int>(v); });
  }
  void add(const char *name, double &field, double min, double max, const char *help) {
    visit(field, name, help, PL_REAL, field, min, max, [](double v) { return v; });
  }
  void add(const char *name, bool &field, const char *help) {
    visit(field, name, help, PL_BOOLEAN, field ? 1 : 0, 0, 1, [](double v) { return v != 0; });
  }
  // Its value is in milliseconds outside; end the name in "_ms".
  void add(const char *name, Duration &field, Duration min, Duration max, const char *help) {
    visit(field, name, help, PL_MILLISECONDS, field.milliseconds(), min.milliseconds(),
          max.milliseconds(), Duration::from_milliseconds);
  }

  // For the glue below: list into `list`, or set number `index` to `value`.
  explicit Params(pl_param *list) : list_(list) {}
  Params(unsigned index, double value) : index_(index), value_(value) {}
  unsigned count() const { return count_; }
  bool found() const { return found_; }
  // From now on the one that was set gets what it had before.
  void go_back() {
    count_ = 0;
    going_back_ = true;
  }

private:
  template <class Field, class From>
  void visit(Field &field, const char *name, const char *help, unsigned type, double now,
             double min, double max, From from) {
    const unsigned here = count_++;
    if (list_ != nullptr) {
      if (here < POOL_LAB_MAX_PARAMS)
        list_[here] = pl_param{name, help, type, 0, now, min, max};
    } else if (here == index_) {
      static_assert(sizeof(Field) <= sizeof before_);
      if (going_back_) {
        __builtin_memcpy(&field, before_, sizeof(Field));
        return;
      }
      __builtin_memcpy(before_, &field, sizeof(Field));
      field = from(value_);
      found_ = true;
    }
  }

  pl_param *list_ = nullptr;
  unsigned index_ = 0;
  double value_ = 0;
  unsigned count_ = 0;
  bool found_ = false;
  bool going_back_ = false;
  unsigned char before_[sizeof(double)]{}; // the field itself: no rounding on the way back
};

// For save and restore: a plain struct as it lies in memory. Give it a number that changes with
// its meaning: another build's may have the same size.
template <class State> size_t write_state(void *bytes, size_t capacity, const State &state) {
  static_assert(__is_trivially_copyable(State),
                "a state is a plain struct: no strings, no vectors");
  if (capacity >= sizeof(State))
    __builtin_memcpy(bytes, &state, sizeof(State));
  return sizeof(State);
}
// False, and `state` as it was, when these are not as many bytes.
template <class State> bool read_state(const void *bytes, size_t size, State &state) {
  static_assert(__is_trivially_copyable(State),
                "a state is a plain struct: no strings, no vectors");
  if (size != sizeof(State))
    return false;
  __builtin_memcpy(&state, bytes, sizeof(State));
  return true;
}

// Turns a plain struct into the ABI's functions.
namespace glue {

// Runs `body`, which answers 0 or a failure; an exception becomes a failure
// with its text.
template <class Body> int32_t guarded(pl_text *error, Body body) noexcept {
  try {
    return body();
  } catch (const std::exception &e) {
    Line(error) << "exception: " << e.what();
  } catch (...) {
    Line(error) << "exception of an unknown type";
  }
  return 1;
}

// Asked before all else, so that what is missing is told in one line.
template <class S> inline constexpr bool can_begin = requires {
  S();
};
template <class S>
inline constexpr bool can_look = requires(S s, const Observation &seen, Plan plan) {
  plan = s.look(seen);
};
template <class S> inline constexpr bool can_params = requires(S s, Params p) {
  s.params(p);
};
template <class S> inline constexpr bool can_admit = requires(S s, const Ask &ask, Verdict v) {
  v = s.admit(ask);
};
template <class S> inline constexpr bool can_explain = requires(S s, Line &line) {
  s.explain(line);
};
template <class S> inline constexpr bool can_save = requires(S s, void *bytes, size_t n) {
  requires __is_same(decltype(s.save(bytes, n)), size_t);
};
template <class S> inline constexpr bool can_restore = requires(S s, const void *bytes, size_t n) {
  requires __is_same(decltype(s.restore(bytes, n)), bool);
};

// Whether anything in S is called that, in whatever form: the name is then ambiguous in a class
// that has it from S and from another. (Of a final class nobody knows.)
#define POOL_LAB_NAMED(member)                                                                     \
  struct other_##member {                                                                          \
    void member();                                                                                 \
  };                                                                                               \
  template <class S, bool is_final = __is_final(S)> struct both_##member : S, other_##member {};   \
  template <class S> struct both_##member<S, true> : other_##member {};                            \
  template <class S> inline constexpr bool is_named_##member = !requires {                         \
    &both_##member<S>::member;                                                                     \
  };
POOL_LAB_NAMED(params)
POOL_LAB_NAMED(admit)
POOL_LAB_NAMED(explain)
POOL_LAB_NAMED(save)
POOL_LAB_NAMED(restore)
#undef POOL_LAB_NAMED

template <class S> void *create(pl_text *error) noexcept {
  void *made = nullptr;
  (void)guarded(error, [&]() -> int32_t {
    made = new S();
    return 0;
  });
  return made;
}

template <class S> void destroy(void *self) noexcept {
  delete static_cast<S *>(self);
}

template <class S>
int32_t look(void *self, const pl_observation *seen, pl_plan *out, pl_text *error) noexcept {
  return guarded(error, [&]() -> int32_t {
    Observation full{};
    copy_known<pl_observation>(full, seen, seen->struct_size);
    const Plan plan = static_cast<S *>(self)->look(full);
    out->max_in_use = plan.max_in_use;
    out->max_open = plan.max_open;
    out->min_idle = plan.min_idle;
    out->max_connecting = plan.max_connecting;
    out->max_waiting = plan.max_waiting;
    out->order = static_cast<uint32_t>(plan.order);
    out->look_when_waiting = plan.look_when_waiting ? 1 : 0;
    out->wait_timeout = plan.wait_timeout.ns;
    out->idle_timeout = plan.idle_timeout.ns;
    out->max_lifetime = plan.max_lifetime.ns;
    out->next_look = plan.next_look.ns;
    return 0;
  });
}

template <class S> int32_t set(void *self, uint32_t param, double value, pl_text *error) noexcept {
  Params one(param, value);
  const auto pass = [&]() -> int32_t {
    static_cast<S *>(self)->params(one);
    return one.found() ? 0 : 1;
  };
  const int32_t failed = guarded(error, pass);
  if (failed != 0 && one.found()) {
    // What is refused is not taken. Through `params` again, and not by the field's address: that
    // may have been a local variable's.
    one.go_back();
    (void)guarded(nullptr, pass); // it may refuse once more, but has its value back by then
  }
  return failed;
}

template <class S>
int32_t admit(void *self, const pl_ask *ask, pl_verdict *out, pl_text *error) noexcept {
  return guarded(error, [&]() -> int32_t {
    Ask full{};
    copy_known(full, ask, ask->struct_size);
    const Verdict verdict = static_cast<S *>(self)->admit(full);
    out->kind = verdict.kind;
    out->place = verdict.place;
    out->wait = verdict.wait.ns;
    return 0;
  });
}

template <class S> int32_t explain(void *self, pl_text *why) noexcept {
  return guarded(why, [&]() -> int32_t {
    Line line(why);
    static_cast<S *>(self)->explain(line);
    return 0;
  });
}

template <class S> size_t save(void *self, void *bytes, size_t capacity) noexcept {
  try {
    return static_cast<S *>(self)->save(bytes, capacity);
  } catch (...) {
    return POOL_LAB_NOT_SAVED;
  }
}

template <class S>
int32_t restore(void *self, const void *bytes, size_t size, pl_text *error) noexcept {
  return guarded(error,
                 [&]() -> int32_t { return static_cast<S *>(self)->restore(bytes, size) ? 0 : 1; });
}

template <class S>
const pl_strategy *describe(pl_strategy &table, pl_param *params, const char *summary) noexcept {
  table = pl_strategy{};
  table.struct_size = sizeof(pl_strategy);
  table.magic = POOL_LAB_MAGIC;
  table.abi_major = POOL_LAB_ABI_MAJOR;
  table.abi_minor = POOL_LAB_ABI_MINOR;
  table.summary = summary;
  table.create = create<S>;
  table.destroy = destroy<S>;
  table.look = look<S>;
  if constexpr (can_params<S>) {
    (void)guarded(nullptr, [&]() -> int32_t {
      S fresh;
      Params list(params);
      fresh.params(list);
      table.params = params;
      table.param_count = list.count();
      table.param_stride = sizeof(pl_param);
      return 0;
    });
    table.set = set<S>;
  }
  if constexpr (can_admit<S>)
    table.admit = admit<S>;
  if constexpr (can_explain<S>)
    table.explain = explain<S>;
  if constexpr (can_save<S>)
    table.save = save<S>;
  if constexpr (can_restore<S>)
    table.restore = restore<S>;
  return &table;
}

} // namespace glue
} // namespace pool_lab

#define POOL_LAB_FORM(Type, member, form)                                                          \
  static_assert(::pool_lab::glue::can_##member<Type> ||                                            \
                    !::pool_lab::glue::is_named_##member<Type>,                                    \
                #Type "::" #member " must have this form: " form)

// Makes `Type` this library's strategy. The two statics have internal linkage
// on purpose: a static inside a template would be shared by all builds of a
// strategy and keep the first of them mapped for ever.
#define POOL_LAB_STRATEGY(Type, summary)                                                           \
  static pl_param pool_lab_params[POOL_LAB_MAX_PARAMS];                                            \
  static pl_strategy pool_lab_table;                                                               \
  extern "C" const pl_strategy *pool_lab_strategy(void) {                                          \
    static_assert(::pool_lab::glue::can_begin<Type>,                                               \
                  #Type " needs a start value for each variable: it is made without arguments");   \
    static_assert(::pool_lab::glue::can_look<Type>,                                                \
                  #Type " needs this member: Plan look(const Observation &seen)");                 \
    POOL_LAB_FORM(Type, params, "void params(Params &p)");                                         \
    POOL_LAB_FORM(Type, admit, "Verdict admit(const Ask &ask)");                                   \
    POOL_LAB_FORM(Type, explain, "void explain(Line &line)");                                      \
    POOL_LAB_FORM(Type, save, "size_t save(void *bytes, size_t capacity)");                        \
    POOL_LAB_FORM(Type, restore, "bool restore(const void *bytes, size_t size)");                  \
    return ::pool_lab::glue::describe<Type>(pool_lab_table, pool_lab_params, summary);             \
  }
