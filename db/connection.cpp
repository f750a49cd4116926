#include "db/connection.hpp"

#include "db/conninfo.hpp"
#include "db/one_line.hpp"
#include "db/statement_timeout.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fmt/format.h>
#include <libpq-fe.h>
#include <pqxx/connection_base>
#include <pqxx/connectionpolicy>
#include <pqxx/except>

extern char **environ;

namespace lab::db {

namespace {

constexpr std::string_view session_options =
    "-c client_connection_check_interval=500 -c statement_timeout=30000";

bool from_pg_environment(std::string_view name) {
  return name.starts_with("PG") || name == "DATABASE_URL";
}

// `conninfo` with every option stated that libpq would otherwise take from the
// environment: as libpq's own default, or empty. Nothing when it can't be parsed.
std::string stated_in_full(const std::string &conninfo) {
  using Options = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;
  char *complaint = nullptr;
  const Options options(PQconninfoParse(conninfo.c_str(), &complaint), &PQconninfoFree);
  PQfreemem(complaint); // may quote a password: never shown
  std::string full;
  for (const PQconninfoOption *o = options.get(); o && o->keyword; ++o) {
    const std::string_view keyword = o->keyword;
    std::string value = o->val ? o->val : o->compiled ? o->compiled : "";
    if (keyword == "options")
      value = fmt::format("{} {}", session_options, value);
    else if (keyword == "client_encoding" && value.empty())
      value = "UTF8";
    else if (keyword == "gssencmode" && !o->val)
      value = "disable"; // Kerberos is not asked for: don't spend a round trip on it
    else if (!o->val && (!o->envvar || keyword == "service" || keyword == "connect_timeout"))
      continue; // libpq takes these from nowhere else, or rejects them when empty
    full += fmt::format("{}={} ", keyword, quoted_value(value));
  }
  return full;
}

// Of a connected one: what its session was begun with.
std::string options_of(PGconn *connected) {
  using Options = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;
  const Options options(PQconninfo(connected), &PQconninfoFree);
  for (const PQconninfoOption *o = options.get(); o && o->keyword; ++o)
    if (o->val && std::string_view(o->keyword) == "options")
      return o->val;
  return "";
}

// Why it failed. `reached`: somebody took the connection at the other end.
ConnectFailure failure_of(PGconn *pg, const std::string &message, bool reached) {
  const std::string_view state = sqlstate_in(message);
  if (state == "53300")
    return ConnectFailure::too_many_connections;
  if (state == "57P03")
    return ConnectFailure::not_ready;
  if (state == "3D000")
    return ConnectFailure::no_such_database;
  if (state.starts_with("28"))
    return ConnectFailure::wrong_login;
  if (pg && PQconnectionNeedsPassword(pg))
    return ConnectFailure::no_password;
  // A setting that libpq itself refuses never gets as far as to name a server.
  const bool tried = message.starts_with("connection to server") ||
                     message.starts_with("could not translate host name");
  return state.empty() && tried && !reached ? ConnectFailure::nobody_listens
                                            : ConnectFailure::other;
}

// Hands libpqxx one connected PGconn. Whatever libpqxx then undertakes to connect
// again ends in broken_connection.
class Adoption : public pqxx::connectionpolicy {
public:
  explicit Adoption(PGconn *connected)
      : pqxx::connectionpolicy(std::string()), handle_(connected) {}

  // libpqxx asks twice at the start: once to have it, once to know that it is ready.
  handle do_startconnect(handle) override {
    if (!handle_ || handed_over_)
      throw pqxx::broken_connection("the connection is gone");
    return handle_;
  }
  handle do_completeconnect(handle adopted) override {
    handed_over_ = true;
    return adopted;
  }
  // libpqxx drops before it resets, and a reset would connect again: so end it here.
  handle do_dropconnect(handle adopted) noexcept override { return do_disconnect(adopted); }
  handle do_disconnect(handle) noexcept override {
    PQfinish(handle_);
    handle_ = nullptr;
    return nullptr;
  }

protected:
  ~Adoption() override { PQfinish(handle_); }
  PGconn *handle_;

private:
  bool handed_over_ = false;
};

} // namespace

// The policy is a base, so that it is there before and after libpqxx's part.
struct Connection::Adopted final : Adoption, pqxx::connection_base {
  explicit Adopted(PGconn *connected)
      : Adoption(connected), pqxx::connection_base(static_cast<pqxx::connectionpolicy &>(*this)),
        backend_pid(PQbackendPID(connected)),
        statement_timeout(statement_timeout_in(options_of(connected))),
        line(::fcntl(PQsocket(connected), F_DUPFD_CLOEXEC, 3)) {
    PQsetNoticeReceiver(connected, &heard, this);
    PQsetErrorVerbosity(connected, PQERRORS_DEFAULT);
    init();
  }
  ~Adopted() override {
    close();
    if (line >= 0)
      ::close(line);
  }
  Adopted(const Adopted &) = delete;
  Adopted &operator=(const Adopted &) = delete;

  // At rest, a server that ends the session says so in a notice.
  static void heard(void *self, const PGresult *notice) {
    const char *severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
    if (severity && (!std::strcmp(severity, "FATAL") || !std::strcmp(severity, "PANIC")))
      static_cast<Adopted *>(self)->dismissed = true;
  }

  PGconn *handle() const { return handle_; }

  int backend_pid;
  std::chrono::milliseconds statement_timeout;
  std::chrono::steady_clock::time_point statement_began{};
  bool dismissed = false;
  // The socket once more. libpq may close its own descriptor at any time, and its
  // number may be another's by then: `shut` must not end that one's socket.
  int line;
};

Connection::Connection(std::unique_ptr<Adopted> adopted) : adopted_(std::move(adopted)) {}
Connection::~Connection() = default;

int Connection::socket() const {
  return handle() ? PQsocket(handle()) : -1;
}
int Connection::backend_pid() const {
  return adopted_->backend_pid;
}
void Connection::statement_begins() noexcept {
  adopted_->statement_began = std::chrono::steady_clock::now();
}
std::chrono::nanoseconds Connection::since_statement_began() const noexcept {
  return std::chrono::steady_clock::now() - adopted_->statement_began;
}
std::chrono::milliseconds Connection::statement_timeout() const noexcept {
  return adopted_->statement_timeout;
}
pqxx::connection_base &Connection::raw() {
  return *adopted_;
}
pg_conn *Connection::handle() const {
  return adopted_->handle();
}

bool Connection::alive() {
  PGconn *const pg = handle();
  // PQstatus learns of a loss only by reading. At rest the server has nothing to
  // say, so a readable socket is the end of it, or some harmless notice.
  while (pg && !adopted_->dismissed && PQstatus(pg) == CONNECTION_OK) {
    pollfd readable{PQsocket(pg), POLLIN, 0};
    const int ready = ::poll(&readable, 1, 0);
    if (ready == 0)
      return true;
    if (ready < 0 && errno == EINTR)
      continue;
    if (ready < 0 || !PQconsumeInput(pg))
      return false;
    while (PGnotify *notification = PQnotifies(pg)) // makes libpq parse what it read
      PQfreemem(notification);
  }
  return false;
}

bool Connection::clean() const {
  return handle() && PQstatus(handle()) == CONNECTION_OK &&
         PQtransactionStatus(handle()) == PQTRANS_IDLE;
}

void Connection::shut() noexcept {
  if (adopted_->line >= 0)
    ::shutdown(adopted_->line, SHUT_RDWR);
}

struct Connecting::Underway {
  std::unique_ptr<PGconn, decltype(&PQfinish)> pg{nullptr, &PQfinish};
  State state = State::failed;
  ConnectError error;
  bool reached = false;

  // Past CONNECTION_STARTED the other end has taken the connection.
  void look() {
    const auto status = PQstatus(pg.get());
    reached = reached || (status != CONNECTION_BAD && status != CONNECTION_STARTED &&
                          status != CONNECTION_NEEDED);
  }

  void fail(const std::string &message) {
    error.kind = failure_of(pg.get(), message, reached);
    error.message = one_line(message);
    state = State::failed;
    pg.reset();
  }
};

Connecting::Connecting(const std::string &conninfo) : underway_(std::make_unique<Underway>()) {
  const std::string full = stated_in_full(conninfo);
  if (full.empty()) {
    underway_->fail("the connection string can't be read: give key=value pairs or a "
                    "postgresql:// address");
    return;
  }
  underway_->pg.reset(PQconnectStart(full.c_str()));
  PGconn *const pg = underway_->pg.get();
  if (!pg) {
    underway_->fail("out of memory");
    return;
  }
  PQsetErrorVerbosity(pg, PQERRORS_VERBOSE); // see `sqlstate_in`
  if (PQstatus(pg) == CONNECTION_BAD)
    underway_->fail(PQerrorMessage(pg));
  else
    underway_->state = State::writing; // what libpq says to poll for first
  underway_->look();
}

Connecting::~Connecting() = default;
Connecting::Connecting(Connecting &&) noexcept = default;
Connecting &Connecting::operator=(Connecting &&) noexcept = default;

int Connecting::socket() const {
  return underway_->pg ? PQsocket(underway_->pg.get()) : -1;
}
Connecting::State Connecting::state() const {
  return underway_->state;
}
const ConnectError &Connecting::error() const {
  return underway_->error;
}

Connecting::State Connecting::advance() {
  if (underway_->state == State::ready || underway_->state == State::failed)
    return underway_->state;
  PGconn *const pg = underway_->pg.get();
  const auto polled = PQconnectPoll(pg);
  underway_->look();
  switch (polled) {
  case PGRES_POLLING_READING:
    return underway_->state = State::reading;
  case PGRES_POLLING_WRITING:
    return underway_->state = State::writing;
  case PGRES_POLLING_OK:
    return underway_->state = State::ready;
  default:
    underway_->fail(PQerrorMessage(pg));
    return State::failed;
  }
}

std::unique_ptr<Connection> Connecting::take() {
  if (underway_->state != State::ready || !underway_->pg)
    throw std::logic_error("Connecting::take: not ready, or taken already");
  return std::unique_ptr<Connection>(
      new Connection(std::make_unique<Connection::Adopted>(underway_->pg.release())));
}

std::string password_found_for(const std::string &conninfo) {
  const std::unique_ptr<PGconn, decltype(&PQfinish)> pg(
      PQconnectStart(stated_in_full(conninfo).c_str()), &PQfinish);
  const char *const found = pg ? PQpass(pg.get()) : nullptr;
  return found ? found : "";
}

void ignore_pg_environment() {
  std::vector<std::string> names;
  for (char **entry = environ; entry && *entry; ++entry) {
    const std::string_view text = *entry;
    const auto name = text.substr(0, text.find('='));
    if (from_pg_environment(name))
      names.emplace_back(name);
  }
  for (const auto &name : names)
    ::unsetenv(name.c_str());
}

std::unique_ptr<Connection> connect(const std::string &conninfo, std::chrono::milliseconds limit) {
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + limit;
  Connecting connecting(conninfo);
  while (connecting.state() == Connecting::State::reading ||
         connecting.state() == Connecting::State::writing) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0)
      throw ConnectRefused({ConnectFailure::no_answer,
                            fmt::format("PostgreSQL did not answer within {} ms", limit.count())});
    const short wanted = connecting.state() == Connecting::State::reading ? POLLIN : POLLOUT;
    pollfd wait{connecting.socket(), wanted, 0};
    if (::poll(&wait, 1, static_cast<int>(left)) > 0)
      connecting.advance();
  }
  if (connecting.state() == Connecting::State::failed)
    throw ConnectRefused(connecting.error());
  return connecting.take();
}

} // namespace lab::db
