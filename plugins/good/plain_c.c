/* A strategy in plain C: the ABI needs no C++ on the other side. */
#include <stdlib.h>

#include "pool_lab/strategy.h"

struct state {
  double max;
};

static void *create(pl_text *error) {
  (void)error;
  struct state *self = malloc(sizeof *self);
  if (self != NULL)
    self->max = 7;
  return self;
}

static void destroy(void *self) {
  free(self);
}

static int32_t look(void *self, const pl_observation *seen, pl_plan *plan, pl_text *error) {
  (void)seen;
  (void)error;
  plan->max_in_use = (uint32_t)((struct state *)self)->max;
  return 0;
}

static int32_t set(void *self, uint32_t param, double value, pl_text *error) {
  (void)error;
  if (param != 0)
    return 1;
  ((struct state *)self)->max = value;
  return 0;
}

static const pl_param params[] = {
    {"max", "connections, at most", PL_INTEGER, 0, 7, 1, 1000},
};

static const pl_strategy table = {
    .struct_size = sizeof(pl_strategy),
    .magic = POOL_LAB_MAGIC,
    .abi_major = POOL_LAB_ABI_MAJOR,
    .abi_minor = POOL_LAB_ABI_MINOR,
    .summary = "a fixed size, in C",
    .create = create,
    .destroy = destroy,
    .look = look,
    .params = params,
    .param_count = 1,
    .param_stride = sizeof(pl_param),
    .set = set,
};

const pl_strategy *pool_lab_strategy(void) {
  return &table;
}
