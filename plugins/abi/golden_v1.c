/* The source of golden_v1.so, a library of ABI version 1.0 that is kept as it was
 * built: hosts to come must go on to load it. Never built again, but this is how:
 *
 *   gcc -std=c11 -O2 -fPIC -shared -s -fno-ident -fvisibility=hidden -Wl,--build-id=none \
 *     -Wl,-z,noseparate-code -I plugins/include \
 *     -Wl,--version-script=plugins/include/pool_lab/strategy.map \
 *     plugins/abi/golden_v1.c -o plugins/abi/golden_v1.so
 *   strip -R .comment plugins/abi/golden_v1.so
 */
#include <stdlib.h>

#include "pool_lab/strategy.h"

struct state {
  double max;
  int64_t looks;
};

static void *create(pl_text *error) {
  (void)error;
  struct state *self = malloc(sizeof *self);
  if (self != NULL) {
    self->max = 11;
    self->looks = 0;
  }
  return self;
}

static void destroy(void *self) {
  free(self);
}

/* As many as may be, and one more for each ten that wait. */
static int32_t look(void *of, const pl_observation *seen, pl_plan *plan, pl_text *error) {
  (void)error;
  struct state *self = of;
  ++self->looks;
  const uint32_t wanted = (uint32_t)self->max + seen->waiting.high / 10;
  plan->max_in_use = wanted < 1000 ? wanted : 1000;
  plan->max_waiting = 500;
  plan->wait_timeout = INT64_C(700000000);
  plan->next_look = INT64_C(50000000);
  return 0;
}

static int32_t set(void *self, uint32_t param, double value, pl_text *error) {
  (void)error;
  if (param != 0)
    return 1;
  ((struct state *)self)->max = value;
  return 0;
}

static int32_t admit(void *self, const pl_ask *ask, pl_verdict *verdict, pl_text *error) {
  (void)self;
  (void)error;
  if (ask->ahead > 400)
    verdict->kind = PL_REFUSE;
  return 0;
}

static int32_t explain(void *of, pl_text *why) {
  const char *text = "golden, version 1";
  (void)of;
  size_t i = 0;
  for (; i + 1 < why->capacity && text[i] != 0; ++i)
    why->data[i] = text[i];
  if (why->capacity > 0)
    why->data[i] = 0;
  return 0;
}

static size_t save(void *of, void *bytes, size_t capacity) {
  const struct state *self = of;
  if (capacity >= sizeof self->looks)
    *(int64_t *)bytes = self->looks;
  return sizeof self->looks;
}

static int32_t restore(void *of, const void *bytes, size_t size, pl_text *error) {
  struct state *self = of;
  (void)error;
  if (size != sizeof self->looks)
    return 1;
  self->looks = *(const int64_t *)bytes;
  return 0;
}

static const pl_param params[] = {
    {"max", "connections, at most", PL_INTEGER, 0, 11, 1, 900},
};

static const pl_strategy table = {
    .struct_size = sizeof(pl_strategy),
    .magic = POOL_LAB_MAGIC,
    .abi_major = POOL_LAB_ABI_MAJOR,
    .abi_minor = POOL_LAB_ABI_MINOR,
    .summary = "golden, of ABI version 1.0",
    .create = create,
    .destroy = destroy,
    .look = look,
    .params = params,
    .param_count = 1,
    .param_stride = sizeof(pl_param),
    .set = set,
    .admit = admit,
    .explain = explain,
    .save = save,
    .restore = restore,
};

const pl_strategy *pool_lab_strategy(void) {
  return &table;
}
