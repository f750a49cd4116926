/* Where every field of the ABI lies, as this compiler sees it. Included as C11 and as
 * C++20; the test compares both with the golden table of version 1. */
#ifndef POOL_LAB_ABI_LAYOUT_H
#define POOL_LAB_ABI_LAYOUT_H

#include "pool_lab/strategy.h"

struct layout_row {
  const char *what; /* "pl_plan.max_in_use" or "pl_plan" */
  size_t offset;    /* 0 of a whole struct */
  size_t size;
};

#ifdef __cplusplus
extern "C" {
#endif
/* Ends with a row whose `what` is NULL. */
const struct layout_row *layout_in_c(void);
const struct layout_row *layout_in_cpp(void);
#ifdef __cplusplus
}
#endif

#define WHOLE(type)                                                                                \
  { #type, 0, sizeof(type) }
#define FIELD(type, field)                                                                         \
  { #type "." #field, offsetof(type, field), sizeof(((type *)0)->field) }

#define LAYOUT_ROWS                                                                                \
  WHOLE(pl_text), FIELD(pl_text, data), FIELD(pl_text, capacity), WHOLE(pl_plan),                  \
      FIELD(pl_plan, struct_size), FIELD(pl_plan, max_in_use), FIELD(pl_plan, max_open),           \
      FIELD(pl_plan, min_idle), FIELD(pl_plan, max_connecting), FIELD(pl_plan, max_waiting),       \
      FIELD(pl_plan, order), FIELD(pl_plan, look_when_waiting), FIELD(pl_plan, wait_timeout),      \
      FIELD(pl_plan, idle_timeout), FIELD(pl_plan, max_lifetime), FIELD(pl_plan, next_look),       \
      WHOLE(pl_gauge), FIELD(pl_gauge, now), FIELD(pl_gauge, low), FIELD(pl_gauge, high),          \
      FIELD(pl_gauge, reserved), FIELD(pl_gauge, mean), WHOLE(pl_total), FIELD(pl_total, count),   \
      FIELD(pl_total, sum), FIELD(pl_total, min), FIELD(pl_total, max), WHOLE(pl_sample),          \
      FIELD(pl_sample, started), FIELD(pl_sample, wait), FIELD(pl_sample, hold),                   \
      FIELD(pl_sample, outcome), FIELD(pl_sample, reserved), WHOLE(pl_observation),                \
      FIELD(pl_observation, struct_size), FIELD(pl_observation, absolute_max),                     \
      FIELD(pl_observation, now), FIELD(pl_observation, window), FIELD(pl_observation, plan),      \
      FIELD(pl_observation, open), FIELD(pl_observation, idle), FIELD(pl_observation, in_use),     \
      FIELD(pl_observation, connecting), FIELD(pl_observation, waiting),                           \
      FIELD(pl_observation, oldest_wait), FIELD(pl_observation, oldest_wait_high),                 \
      FIELD(pl_observation, asked), FIELD(pl_observation, served),                                 \
      FIELD(pl_observation, timed_out), FIELD(pl_observation, refused),                            \
      FIELD(pl_observation, cancelled), FIELD(pl_observation, failed),                             \
      FIELD(pl_observation, connects), FIELD(pl_observation, connects_failed),                     \
      FIELD(pl_observation, connects_refused), FIELD(pl_observation, wait),                        \
      FIELD(pl_observation, hold), FIELD(pl_observation, connect_time),                            \
      FIELD(pl_observation, samples), FIELD(pl_observation, sample_count),                         \
      FIELD(pl_observation, sample_stride), FIELD(pl_observation, server_max_connections),         \
      FIELD(pl_observation, server_reserved), FIELD(pl_observation, server_others),                \
      FIELD(pl_observation, reserved), FIELD(pl_observation, server_age),                          \
      FIELD(pl_observation, random), WHOLE(pl_ask), FIELD(pl_ask, struct_size),                    \
      FIELD(pl_ask, ahead), FIELD(pl_ask, now), FIELD(pl_ask, asked), FIELD(pl_ask, deadline),     \
      FIELD(pl_ask, open), FIELD(pl_ask, idle), FIELD(pl_ask, in_use), FIELD(pl_ask, connecting),  \
      FIELD(pl_ask, waiting), FIELD(pl_ask, reserved), FIELD(pl_ask, route), WHOLE(pl_verdict),    \
      FIELD(pl_verdict, struct_size), FIELD(pl_verdict, kind), FIELD(pl_verdict, place),           \
      FIELD(pl_verdict, reserved), FIELD(pl_verdict, wait), WHOLE(pl_param),                       \
      FIELD(pl_param, name), FIELD(pl_param, help), FIELD(pl_param, type),                         \
      FIELD(pl_param, reserved), FIELD(pl_param, default_value), FIELD(pl_param, min),             \
      FIELD(pl_param, max), WHOLE(pl_strategy), FIELD(pl_strategy, struct_size),                   \
      FIELD(pl_strategy, magic), FIELD(pl_strategy, abi_major), FIELD(pl_strategy, abi_minor),     \
      FIELD(pl_strategy, summary), FIELD(pl_strategy, create), FIELD(pl_strategy, destroy),        \
      FIELD(pl_strategy, look), FIELD(pl_strategy, params), FIELD(pl_strategy, param_count),       \
      FIELD(pl_strategy, param_stride), FIELD(pl_strategy, set), FIELD(pl_strategy, admit),        \
      FIELD(pl_strategy, explain), FIELD(pl_strategy, save), FIELD(pl_strategy, restore), {        \
    NULL, 0, 0                                                                                     \
  }

#endif
