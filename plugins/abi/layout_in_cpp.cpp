#include "layout.h"

const layout_row *layout_in_cpp() {
  static const layout_row rows[] = {LAYOUT_ROWS};
  return rows;
}
