// libpqxx 6.4 forgets the result of a statement during which the connection was lost: two
// kilobytes each time, which a host that lives through outages misses some day. Before it
// owns the result it asks libpq for the connection's encoding, which a lost connection does
// not tell, and throws. So here the question is answered in libpq's place (a program's own
// definition goes before a shared library's): all our connections speak UTF-8. The result
// itself then says that the connection was lost. `LeavesNoMemoryBehindHoweverOftenOneIsLost`
// of connection_test.cpp fails without it.
#include <libpq-fe.h>

int PQclientEncoding(const PGconn *) {
  return pg_char_to_encoding("UTF8");
}
