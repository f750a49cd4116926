#include "layout.h"

const struct layout_row *layout_in_c(void) {
  static const struct layout_row rows[] = {LAYOUT_ROWS};
  return rows;
}
