/* The C ABI between the host and a strategy, version 1.0.
 *
 * A strategy is a shared library that exports one function, `pool_lab_strategy`,
 * which returns a table of functions. The host shows the strategy an
 * observation; the strategy answers with a plan, which is plain numbers. The
 * pool then follows the plan. No request ever runs strategy code.
 *
 * Thread rule for everything here: [governor]. One thread, and never two at
 * once, calls into a strategy, from `create` to `destroy`. Another instance of
 * the same library may live at the same time on another thread (the simulator
 * does that), so a strategy keeps no static variables.
 *
 * Life: pool_lab_strategy -> create -> set* -> [restore] -> (look, admit,
 * explain, set, save)* -> destroy. Then the library is closed.
 *
 * What may cross: numbers, and bytes in buffers that the host owns. No
 * exception, no ownership, no C++ type. Times are nanoseconds on the host's
 * one clock; a strategy has no clock, no thread and no random numbers of its
 * own, so that the simulator can replay it.
 *
 * Growth, within a major version (another one than the host's is refused):
 *   pl_strategy, pl_observation, pl_ask and pl_verdict may grow at their end,
 *     and start with their size;
 *   pl_param and pl_sample may grow at their end: they stand in arrays, and the
 *     array's stride is their size. It is a multiple of their alignment;
 *   pl_text, pl_plan, pl_gauge, pl_total and PL_OUTCOMES are frozen: they stand
 *     by value inside others, or have no size. What a later version adds to them
 *     comes as a struct or a function of its own.
 * A reader looks only at what lies inside the size or stride that it is given, and
 * takes what is missing as absent: zero. A writer writes nothing outside it.
 */
#ifndef POOL_LAB_STRATEGY_H
#define POOL_LAB_STRATEGY_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define POOL_LAB_MAGIC 0x314C5050u /* "PPL1" in memory */
#define POOL_LAB_ABI_MAJOR 1u
#define POOL_LAB_ABI_MINOR 0u
#define POOL_LAB_ENTRY "pool_lab_strategy"

#define POOL_LAB_MAX_SIZE 1000u /* every size in a plan is clamped to 0..1000 */
#define POOL_LAB_AUTO UINT32_MAX
#define POOL_LAB_MAX_PARAMS 32u
#define POOL_LAB_MAX_SAMPLES 256u
#define POOL_LAB_NOT_SAVED SIZE_MAX

/* Nanoseconds: a span, or a moment counted from the host's start. */
typedef int64_t pl_ns;

/* A text that the strategy writes and the host reads: at most `capacity`
 * bytes with the closing zero. UTF-8; anything else is shown escaped. */
typedef struct pl_text {
  char *data;
  size_t capacity;
} pl_text;

/* ---- the plan: what a strategy asks of the pool ---------------------------
 * The host fills in the defaults before each `look`; set only what you mean.
 * Every field is clamped to its range; clamping is counted and shown. */

enum { PL_FIFO = 0, PL_LIFO = 1 };

typedef struct pl_plan {
  uint32_t struct_size;
  uint32_t max_in_use;        /* 0..1000, default 10. Requests that may hold a connection at
                                 once, from the next hand-out on. 0 pauses: waiters wait. */
  uint32_t max_open;          /* 0..1000 or POOL_LAB_AUTO (default): the highest max_in_use of
                                 the last idle_timeout. Lower: idle ones close at once, busy
                                 ones on return. */
  uint32_t min_idle;          /* 0..1000, default 0. Kept ready ahead of need. */
  uint32_t max_connecting;    /* 1..1000, default 4. Connects under way at once. */
  uint32_t max_waiting;       /* 0..1000, default 1000. More waiting than this, beyond those that
                                 free room and connects under way will serve: refused at once. */
  uint32_t order;             /* PL_FIFO (default) or PL_LIFO. */
  uint32_t look_when_waiting; /* 0 (default) or 1: also look soon after a request begins to wait. */
  pl_ns wait_timeout;         /* 0..1 h, default 5 s. A request's deadline is when it asked + this,
                                 never past its own. Holds for those already waiting. 0: no waiting. */
  pl_ns idle_timeout;         /* 1 ms..24 h, default 30 s. An idle connection closes after this. */
  pl_ns max_lifetime; /* 1 s..24 h, default 30 min, less a jitter of up to 10 %. Of connections
                         that are opened from now on. */
  pl_ns next_look;    /* 1 ms..1 min, default 1 s. When to be asked again. */
} pl_plan;

/* ---- the observation: what a strategy is shown ---------------------------- */

/* A number of connections or requests over the window. */
typedef struct pl_gauge {
  uint32_t now;
  uint32_t low;
  uint32_t high;
  uint32_t reserved;
  double mean; /* weighted by time */
} pl_gauge;

/* Durations that ended in the window. min and max are 0 when count is 0. */
typedef struct pl_total {
  uint64_t count;
  pl_ns sum;
  pl_ns min;
  pl_ns max;
} pl_total;

/* How a request's dealings with the pool ended. */
enum {
  PL_SERVED = 0,    /* it got a connection and gave it back healthy */
  PL_TIMED_OUT = 1, /* its deadline passed while it waited */
  PL_REFUSED = 2,   /* turned away: queue full, `admit` said so, or no database */
  PL_CANCELLED = 3, /* its client went away while it waited */
  PL_FAILED = 4,    /* it got a connection, and the work or the connection failed */
  PL_OUTCOMES = 5
};

typedef struct pl_sample {
  pl_ns started; /* when it asked */
  pl_ns wait;
  pl_ns hold; /* 0 unless PL_SERVED or PL_FAILED */
  uint32_t outcome;
  uint32_t reserved;
} pl_sample;

typedef struct pl_observation {
  uint32_t struct_size;
  uint32_t absolute_max; /* the host's clamp for sizes: 1000 */
  pl_ns now;
  pl_ns window; /* time since the last look; 0 at the first */
  pl_plan plan; /* in force, after clamping */

  pl_gauge open; /* idle + in use */
  pl_gauge idle;
  pl_gauge in_use;
  pl_gauge connecting;
  pl_gauge waiting;
  pl_ns oldest_wait;      /* of those waiting now; 0 when none waits */
  pl_ns oldest_wait_high; /* the highest of the window */

  uint64_t asked; /* requests that asked for a connection in the window */
  uint64_t served;
  uint64_t timed_out;
  uint64_t refused;
  uint64_t cancelled;
  uint64_t failed;
  uint64_t connects;         /* that succeeded */
  uint64_t connects_failed;  /* for whatever reason */
  uint64_t connects_refused; /* of those: the server had too many connections */

  pl_total wait[PL_OUTCOMES]; /* waits that ended, by outcome (served: at hand-out) */
  pl_total hold[PL_OUTCOMES]; /* holds that ended: PL_SERVED and PL_FAILED only */
  pl_total connect_time;

  const pl_sample *samples; /* drawn fairly from the window's requests; valid during the call */
  uint32_t sample_count;    /* at most POOL_LAB_MAX_SAMPLES */
  uint32_t sample_stride;   /* bytes from one sample to the next */

  uint32_t server_max_connections; /* 0 until known */
  uint32_t server_reserved;        /* kept for superusers */
  uint32_t server_others;          /* connections that are not this pool's */
  uint32_t reserved;
  pl_ns server_age; /* how old the three above are; -1 until known */

  uint64_t random; /* a fresh number at each look, from the run's seed */
} pl_observation;

/* ---- admit: a verdict on one request that has to wait ---------------------
 * Those that began to wait meanwhile are asked about in a row, and shown as they
 * were at its beginning: `now`, `ahead`, `waiting` and the other numbers know
 * nothing of the verdicts on those before it in the row, nor of who left since. */

typedef struct pl_ask {
  uint32_t struct_size;
  uint32_t ahead; /* requests that wait before it; those that hold a connection are in_use */
  pl_ns now;      /* this and the next two are moments, as pl_observation's now */
  pl_ns asked;
  pl_ns deadline; /* when it gives up: by the plan's wait_timeout, or its own if that is sooner */
  uint32_t open;
  uint32_t idle;
  uint32_t in_use;
  uint32_t connecting;
  uint32_t waiting;
  uint32_t reserved;
  char route[32]; /* "POST /jobs"; cut off, always closed by a zero */
} pl_ask;

enum { PL_KEEP = 0, PL_WAIT = 1, PL_REFUSE = 2 };
enum { PL_BACK = 0, PL_FRONT = 1 };

typedef struct pl_verdict {
  uint32_t struct_size;
  uint32_t
      kind; /* PL_KEEP: as the plan says (default); PL_WAIT: wait `wait`, at `place`; PL_REFUSE */
  uint32_t place; /* PL_BACK or PL_FRONT */
  uint32_t reserved;
  pl_ns wait; /* 0 to 1 h, and more is 1 h; counted from when it asked; never past the request's
                 own deadline */
} pl_verdict;

/* ---- parameters: numbers that a learner may change ------------------------ */

enum { PL_INTEGER = 0, PL_REAL = 1, PL_BOOLEAN = 2, PL_MILLISECONDS = 3 };

typedef struct pl_param {
  const char *name; /* [a-z][a-z0-9_]*, unique in the table */
  const char *help; /* one line */
  uint32_t type;
  uint32_t reserved;
  double default_value;
  double min; /* inclusive, finite */
  double max;
} pl_param;

/* No param_stride is less, whatever pl_param grows to: its end in version 1.0. */
#define POOL_LAB_PARAM_SIZE_1_0 (offsetof(pl_param, max) + sizeof(double))

/* ---- the table ------------------------------------------------------------
 * Functions that return int32_t answer 0 for success; anything else is a
 * failure, for which `error` may hold one line. An optional function is NULL
 * when absent. `self` is what `create` answered, never NULL. `error` and `why`
 * are never NULL, and are empty texts before the call. All must come back at
 * once: a call of 1 s is taken for hung, and its strategy is stopped; so is one
 * whose looks take 5 ms of the processor three times running.
 *
 * An exception that crosses is a fault, as a crash is: the instance is never
 * called again. In look, explain, admit and set its strategy is stopped; in
 * create it is refused; in save and restore its state is lost, and no more. The
 * C++ SDK lets none cross: it answers a failure, with the exception's text. */

typedef struct pl_strategy {
  uint32_t struct_size; /* sizeof(pl_strategy), as the library was built */
  uint32_t magic;       /* POOL_LAB_MAGIC */
  uint32_t abi_major;   /* POOL_LAB_ABI_MAJOR; another one than the host's is refused */
  uint32_t abi_minor;   /* POOL_LAB_ABI_MINOR; any is taken */
  const char *summary;  /* one line: what it does. NULL: none. Lives as long as the library */

  /* Required. [governor] Makes an instance, with its parameters at their
   * defaults. NULL: it can't, and `error` may say why; it is not used then. */
  void *(*create)(pl_text *error);

  /* Required. [governor] Once for each instance, as its last call. What it has
   * is freed here, and after it nothing of it runs: the library is closed. */
  void (*destroy)(void *self);

  /* Required. [governor] Seeing this, how should the pool behave? `plan` holds
   * the defaults. `seen` and its samples are valid during the call. A failure:
   * the plan in force stays; the third one running, and it is stopped. */
  int32_t (*look)(void *self, const pl_observation *seen, pl_plan *plan, pl_text *error);

  /* Optional: parameters, an array of `param_count` (0..32), `param_stride`
   * bytes from one to the next. NULL: none. Lives as long as the library. */
  const pl_param *params;
  uint32_t param_count;
  uint32_t param_stride;

  /* Required with params. [governor] Parameter number `param` (0..count-1) gets
   * `value`, which is of its type and in its range. A look follows. A failure:
   * the value is not taken, nor are others that were set with it, and the reason is told to
   * whoever set it. To be sure of that the host then sets what was in force: this one at once, the
   * others the last one first. Before it gives up it tries this one again after the others, so
   * that a strategy may compare two of them, and nobody has to know an order. */
  int32_t (*set)(void *self, uint32_t param, double value, pl_text *error);

  /* Optional. [governor] A verdict on a request that waits already, at most once for each,
   * soon after it began to wait, or after this strategy came, if none was asked before; `verdict`
   * holds PL_KEEP. Absent, or a failure: the request is kept. Those that began to wait meanwhile
   * are asked about in a row, the first in the line first, for at most 100 ms; the rest of them are
   * kept, and not asked about again. One that waits no more at its turn is left out. */
  int32_t (*admit)(void *self, const pl_ask *ask, pl_verdict *verdict, pl_text *error);

  /* Optional. [governor] After a look: one line, why its plan is what it is.
   * Absent: nothing is shown. */
  int32_t (*explain)(void *self, pl_text *why);

  /* Optional, both. [governor] State handed over when a new build of the same
   * name replaces this one. `save` writes at most `capacity` bytes (up to
   * 1 MiB) and answers how many, or how many it needs when that is more; 0:
   * none; POOL_LAB_NOT_SAVED: it failed. Looks may follow it, for if the next build can't begin,
   * this one stays. `restore` comes once, after `create` and the
   * settings; a failure means a fresh start: the instance is destroyed, and another one
   * created. Either failure is told to whoever swaps. The bytes may be those of any other
   * build; `bytes` may be null where `size`, or `capacity`, is 0. */
  size_t (*save)(void *self, void *bytes, size_t capacity);
  int32_t (*restore)(void *self, const void *bytes, size_t size, pl_text *error);
} pl_strategy;

#if defined(_WIN32)
#error "Pool Strategy Lab runs on Linux"
#endif
#define POOL_LAB_EXPORT __attribute__((visibility("default")))

/* The one exported function. [governor] Called once after loading; answers a
 * table that lives as long as the library. NULL: refused. */
POOL_LAB_EXPORT const pl_strategy *pool_lab_strategy(void);

#ifdef __cplusplus
}
#endif

#endif
