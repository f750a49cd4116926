// The descriptors 0, 1 and 2 stay taken, also where a strategy closes one: else the next
// connection that is accepted would get its number, and whatever is written to standard output
// would go to that client.
#pragma once

namespace lab::host {

// Opens /dev/null in place of those that are closed. Cheap where none is. [any thread, and in a
// signal handler]
void keep_standard_descriptors();

} // namespace lab::host
