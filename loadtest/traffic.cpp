#include "loadtest/traffic.hpp"

#include "loadtest/request_text.hpp"
#include "loadtest/server_timing.hpp"

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <deque>
#include <functional>
#include <optional>
#include <queue>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include <fmt/format.h>

namespace lab::load {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using Clock = Traffic::Clock;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr milliseconds housekeeping{25}; // how often limits, stop and progress are looked at
constexpr milliseconds sampling{100};
constexpr milliseconds sample_limit{2000};
constexpr milliseconds progress_every{250};

// After a connect that failed a closed-loop user waits at least this long: a
// host that is gone is not to be hammered.
constexpr milliseconds pause_after_no_connection{100};

// Takes of an answer only what the record needs, without a copy of the rest.
class AnswerParser : public http::basic_parser<false> {
public:
  // `body` gets the body of a failure, or any body when `keep_body`.
  AnswerParser(std::string &body, bool keep_body) : body_(body), keep_body_(keep_body) {
    body_.clear();
    eager(true);
  }

  int status() const { return status_; }
  bool success() const { return status_ >= 200 && status_ < 300; }
  const ServerTiming &timing() const { return timing_; }

private:
  static constexpr std::size_t kept_body = 256 * 1024;

  using Text = beast::string_view;
  void on_request_impl(http::verb, Text, Text, int, error_code &) override {}
  void on_response_impl(int status, Text, int, error_code &) override { status_ = status; }
  void on_field_impl(http::field, Text name, Text value, error_code &) override {
    if (beast::iequals(name, "Server-Timing"))
      timing_ = parse_server_timing({value.data(), value.size()});
  }
  void on_header_impl(error_code &) override {}
  void on_body_init_impl(boost::optional<std::uint64_t> const &, error_code &) override {}
  std::size_t on_body_impl(Text part, error_code &) override { return keep(part); }
  void on_chunk_header_impl(std::uint64_t, Text, error_code &) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, Text part, error_code &) override {
    return keep(part);
  }
  void on_finish_impl(error_code &) override {}

  std::size_t keep(Text part) {
    if ((keep_body_ || !success()) && body_.size() + part.size() <= kept_body)
      body_.append(part.data(), part.size());
    return part.size();
  }

  std::string &body_;
  bool keep_body_;
  int status_ = 0;
  ServerTiming timing_;
};

// What a connection is used for at the moment.
struct Errand {
  enum class Kind { request, pool, strategy };
  Kind kind = Kind::request;
  RequestLine line;     // of a request
  std::size_t user = 0; // closed: whose
  Clock::time_point at; // when it was sent out, for limits
};

struct Wire {
  enum class State { closed, connecting, idle, busy };

  Wire(asio::io_context &io, std::size_t index) : socket(io), port_index(index) {}

  tcp::socket socket;
  std::size_t port_index;
  State state = State::closed;
  std::uint64_t life = 0; // counts its sockets: a late event of an old one is told by it
  std::optional<AnswerParser> parser;
  beast::flat_buffer buffer;
  std::string body;
  std::string_view text; // of the errand: its bytes
  Errand errand;
};

double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

} // namespace

class Traffic::Loop {
public:
  Loop(const Profile &profile, const Schedule &schedule, const Target &target)
      : profile_(profile), schedule_(schedule), ports_(target.ports), texts_(profile, target.ports),
        timer_(io_), keeper_(io_), sampler_(io_), idle_(ports_.size()), closed_(ports_.size()),
        sample_wires_(ports_.size()) {
    for (const unsigned short port : ports_)
      pool_requests_.push_back(api_request("/api/v1/pool", port));
    strategy_request_ = api_request("/api/v1/strategy", ports_.front());
    for (std::size_t i = 0; i < ports_.size(); ++i)
      sample_wires_[i] = make_wire(i);
  }

  nlohmann::json ask_strategy() {
    Errand errand;
    errand.kind = Errand::Kind::strategy;
    send(*sample_wires_.front(), strategy_request_, errand);
    const Clock::time_point limit = Clock::now() + std::chrono::seconds(1);
    asked_strategy_ = false;
    while (!asked_strategy_ && Clock::now() < limit)
      io_.run_one_until(limit);
    if (!asked_strategy_)
      shut(*sample_wires_.front());
    return strategy_;
  }

  void run(Clock::time_point start, const OnProgress &progress, const std::stop_token &stop,
           Recorded &into) {
    start_ = start;
    measured_from_ = start + profile_.warm_up;
    end_ = start + profile_.total();
    progress_ = &progress;
    stop_ = &stop;
    into_ = &into;
    into.requests.reserve(std::max<std::size_t>(schedule_.arrivals.size(), 100'000));
    user_positions_.assign(schedule_.users.size(), 0);
    for (std::size_t user = 0; user < schedule_.users.size(); ++user)
      due_users_.push({start + schedule_.users[user].start, user});

    io_.restart(); // it may have run out of work after ask_strategy
    wait_for_next();
    next_sample_ = start;
    wait_to_sample();
    keep_house();
    while (!finished_)
      io_.run_one();

    into.ended_sending = since_start(std::min(ended_at_, end_));
    const double seconds = std::chrono::duration<double>(ended_at_ - measured_from_).count();
    into.loop_cores = seconds > 0 ? (cpu_at_end_ - cpu_at_measured_) / seconds : 0;
  }

private:
  std::int64_t since_start(Clock::time_point at) const { return nanoseconds(at - start_).count(); }

  // --- when something is due -------------------------------------------------

  struct DueUser {
    Clock::time_point at;
    std::size_t user;
    bool operator>(const DueUser &other) const { return at > other.at; }
  };

  void wait_for_next() {
    Clock::time_point next = Clock::time_point::max();
    if (next_arrival_ < schedule_.arrivals.size())
      next = start_ + schedule_.arrivals[next_arrival_].due;
    else if (!due_users_.empty())
      next = due_users_.top().at;
    if (next == armed_for_ || next == Clock::time_point::max())
      return;
    armed_for_ = next;
    timer_.expires_at(next); // cancels the wait before it
    timer_.async_wait([this](error_code error) {
      if (error)
        return;
      armed_for_ = Clock::time_point::max();
      send_due();
      wait_for_next();
    });
  }

  void send_due() {
    Clock::time_point now = Clock::now();
    while (!ended_ && next_arrival_ < schedule_.arrivals.size()) {
      const Arrival &arrival = schedule_.arrivals[next_arrival_];
      if (start_ + arrival.due > now)
        break;
      send_arrival(arrival, next_arrival_, now);
      ++next_arrival_;
      now = Clock::now();
    }
    while (!ended_ && !due_users_.empty() && due_users_.top().at <= now) {
      const DueUser due = due_users_.top();
      due_users_.pop();
      send_for_user(due.user, due.at, now);
      now = Clock::now();
    }
  }

  void send_arrival(const Arrival &arrival, std::size_t number, Clock::time_point now) {
    Errand errand;
    errand.line.due = arrival.due.count();
    errand.line.choice = arrival.choice;
    if (outstanding_ >= max_outstanding) {
      errand.line.taken = errand.line.sent = -1;
      errand.line.done = since_start(now);
      errand.line.outcome = outcome_of("not_sent");
      into_->requests.push_back(errand.line);
      ++into_->capped;
      return;
    }
    take_up(errand, number % ports_.size(), now);
  }

  void send_for_user(std::size_t user, Clock::time_point due, Clock::time_point now) {
    if (due >= end_)
      return;
    const std::vector<Choice> &choices = schedule_.users[user].choices;
    Errand errand;
    errand.line.due = since_start(due);
    errand.line.choice = choices[user_positions_[user]++ % choices.size()];
    errand.user = user;
    take_up(errand, user % ports_.size(), now);
  }

  void take_up(Errand &errand, std::size_t port_index, Clock::time_point now) {
    errand.line.taken = since_start(now);
    errand.line.sent = -1;
    ++outstanding_;
    ++taken_;
    into_->outstanding_peak = std::max(into_->outstanding_peak, outstanding_);
    send(wire_for(port_index), texts_.text(port_index, errand.line.choice), errand);
  }

  // --- connections -----------------------------------------------------------

  Wire *make_wire(std::size_t port_index) { return &wires_.emplace_back(io_, port_index); }

  // The idle one that was used last, else a closed one, else a new one.
  Wire &wire_for(std::size_t port_index) {
    std::vector<Wire *> &idle = idle_[port_index];
    while (!idle.empty()) {
      Wire *wire = idle.back();
      idle.pop_back();
      if (wire->state == Wire::State::idle)
        return *wire;
    }
    std::vector<Wire *> &closed = closed_[port_index];
    if (closed.empty())
      return *make_wire(port_index);
    Wire *wire = closed.back();
    closed.pop_back();
    return *wire;
  }

  void send(Wire &wire, std::string_view text, const Errand &errand) {
    wire.text = text;
    wire.errand = errand;
    wire.errand.at = Clock::now();
    if (wire.state == Wire::State::idle)
      write(wire, false);
    else
      connect(wire);
  }

  void connect(Wire &wire) {
    const std::uint64_t life = ++wire.life;
    wire.state = Wire::State::connecting;
    error_code error;
    wire.socket = tcp::socket(io_);
    wire.socket.open(tcp::v4(), error);
    if (!error)
      wire.socket.non_blocking(true, error);
    const tcp::endpoint host(asio::ip::address_v4::loopback(), ports_[wire.port_index]);
    // Also when opening failed: then the connect fails, in a later turn.
    wire.socket.async_connect(host, [this, &wire, life](error_code failure) {
      if (life != wire.life)
        return;
      if (failure) {
        broke(wire, "connect_failed");
        return;
      }
      error_code ignored;
      wire.socket.set_option(tcp::no_delay(true), ignored);
      wire.buffer.clear();
      write(wire, true);
      if (life == wire.life && wire.state != Wire::State::closed)
        wait_readable(wire);
    });
  }

  void write(Wire &wire, bool fresh) {
    wire.state = Wire::State::busy;
    wire.parser.emplace(wire.body, wire.errand.kind != Errand::Kind::request);
    wire.errand.line.sent = since_start(Clock::now());
    error_code error;
    const std::size_t written =
        wire.socket.write_some(asio::buffer(wire.text.data(), wire.text.size()), error);
    if (error && error != asio::error::would_block) {
      // An idle connection may end from the other side at any moment: nothing went
      // out, so another connection may try.
      if (fresh)
        broke(wire, "connect_failed");
      else
        connect(wire);
      return;
    }
    if (written == wire.text.size())
      return;
    // A socket that takes not even a few hundred bytes at once is rare.
    const std::uint64_t life = wire.life;
    asio::async_write(
        wire.socket, asio::buffer(wire.text.data() + written, wire.text.size() - written),
        [this, &wire, life](error_code failure, std::size_t) {
          if (life == wire.life && failure)
            broke(wire, "connect_failed");
        });
  }

  // One wait at a time for each connection that is open, idle ones too: so an
  // end from the other side is seen before the connection is used again.
  void wait_readable(Wire &wire) {
    wire.socket.async_wait(tcp::socket::wait_read, [this, &wire, life = wire.life](error_code) {
      if (life == wire.life)
        read(wire);
    });
  }

  void read(Wire &wire) {
    error_code error;
    const std::size_t size = wire.socket.read_some(wire.buffer.prepare(16 * 1024), error);
    if (error == asio::error::would_block) {
      wait_readable(wire);
      return;
    }
    if (error == asio::error::eof && wire.state == Wire::State::busy && wire.parser->got_some()) {
      error_code incomplete;
      wire.parser->put_eof(incomplete); // an answer without a length ends here
      if (!incomplete && wire.parser->is_done()) {
        answered(wire, false);
        return;
      }
    }
    if (error || wire.state != Wire::State::busy) {
      broke(wire, "connect_failed");
      return;
    }
    wire.buffer.commit(size);
    while (wire.buffer.size() > 0 && !wire.parser->is_done()) {
      error_code parse_error;
      const std::size_t used = wire.parser->put(wire.buffer.data(), parse_error);
      wire.buffer.consume(used);
      if (parse_error == http::error::need_more || (!parse_error && used == 0))
        break;
      if (parse_error) {
        broke(wire, "connect_failed");
        return;
      }
    }
    if (wire.parser->is_done())
      answered(wire, wire.parser->keep_alive() && wire.buffer.size() == 0);
    else
      wait_readable(wire);
  }

  void shut(Wire &wire) {
    ++wire.life;
    error_code ignored;
    wire.socket.close(ignored);
    wire.state = Wire::State::closed;
  }

  bool for_samples(const Wire &wire) const {
    return std::find(sample_wires_.begin(), sample_wires_.end(), &wire) != sample_wires_.end();
  }

  // The connection is gone; if something was under way on it, that ended with `code`.
  void broke(Wire &wire, std::string_view code) {
    const bool under_way = wire.state == Wire::State::busy || wire.state == Wire::State::connecting;
    const Errand errand = wire.errand;
    shut(wire);
    if (for_samples(wire)) {
      asked_strategy_ = true;
      return;
    }
    closed_[wire.port_index].push_back(&wire);
    if (under_way)
      ended(errand, code, {}, true);
  }

  // A whole answer came.
  void answered(Wire &wire, bool keep) {
    const Errand errand = wire.errand;
    const bool success = wire.parser->success();
    const ServerTiming timing = wire.parser->timing();
    if (keep) {
      wire.state = Wire::State::idle;
      wait_readable(wire);
    } else {
      shut(wire);
    }
    if (errand.kind != Errand::Kind::request) {
      if (success)
        take_api_answer(wire, errand);
      else
        asked_strategy_ = true;
      return;
    }
    (keep ? idle_ : closed_)[wire.port_index].push_back(&wire);
    if (success)
      ended(errand, "ok", timing, false);
    else
      ended(errand, code_of(wire), timing, false);
  }

  std::string code_of(const Wire &wire) const {
    const nlohmann::json problem = nlohmann::json::parse(wire.body, nullptr, false);
    if (problem.is_object()) {
      const auto code = problem.find("code");
      if (code != problem.end() && code->is_string() && !code->get_ref<const std::string &>().empty())
        return code->get_ref<const std::string &>().substr(0, 64);
    }
    return fmt::format("http_{}", wire.parser->status());
  }

  // --- the record ------------------------------------------------------------

  std::uint8_t outcome_of(std::string_view code) {
    std::vector<std::string> &codes = into_->codes;
    const auto found = std::find(codes.begin(), codes.end(), code);
    if (found != codes.end())
      return static_cast<std::uint8_t>(found - codes.begin());
    // The vocabulary has some twenty; a host that makes up ever new ones is cut off.
    if (codes.size() == 200)
      return static_cast<std::uint8_t>(codes.size() - 1);
    codes.emplace_back(code);
    return static_cast<std::uint8_t>(codes.size() - 1);
  }

  void ended(const Errand &errand, std::string_view code, const ServerTiming &timing,
             bool no_answer) {
    const Clock::time_point now = Clock::now();
    RequestLine line = errand.line;
    line.done = since_start(now);
    line.wait = timing.wait;
    line.hold = timing.hold;
    line.outcome = outcome_of(code);
    into_->requests.push_back(line);
    --outstanding_;
    ++(line.outcome == 0 ? ok_ : failed_);
    if (profile_.model == Model::open || ended_)
      return;

    milliseconds pause = line.outcome == 0 ? profile_.think : profile_.pause_after_failure;
    if (no_answer)
      pause = std::max(pause, pause_after_no_connection);
    if (pause.count() == 0) {
      send_for_user(errand.user, now, now);
    } else {
      due_users_.push({now + pause, errand.user});
      wait_for_next();
    }
  }

  // --- the host's own view ---------------------------------------------------

  void wait_to_sample() {
    sampler_.expires_at(next_sample_);
    sampler_.async_wait([this](error_code error) {
      if (error)
        return;
      for (std::size_t i = 0; i < sample_wires_.size(); ++i)
        sample(*sample_wires_[i], pool_requests_[i]);
      last_sample_sent_ = next_sample_ >= end_ || ended_;
      next_sample_ = std::max(next_sample_ + sampling, Clock::now());
      if (!last_sample_sent_)
        wait_to_sample();
    });
  }

  void sample(Wire &wire, std::string_view request) {
    if (wire.state == Wire::State::busy || wire.state == Wire::State::connecting) {
      if (Clock::now() - wire.errand.at < sample_limit)
        return; // the one before is still under way
      shut(wire);
    }
    Errand errand;
    errand.kind = Errand::Kind::pool;
    send(wire, request, errand);
  }

  void take_api_answer(Wire &wire, const Errand &errand) {
    nlohmann::json answer = nlohmann::json::parse(wire.body, nullptr, false);
    if (errand.kind == Errand::Kind::strategy) {
      asked_strategy_ = true;
      if (answer.is_object())
        strategy_ = std::move(answer);
    } else if (answer.is_object()) {
      into_->samples.push_back(
          {since_start(errand.at), ports_[wire.port_index], std::move(answer)});
    }
  }

  bool sample_under_way() const {
    return std::any_of(sample_wires_.begin(), sample_wires_.end(), [](const Wire *wire) {
      return wire->state == Wire::State::busy || wire->state == Wire::State::connecting;
    });
  }

  // --- limits, progress, the end ---------------------------------------------

  void keep_house() {
    const Clock::time_point now = Clock::now();
    if (!cpu_measured_ && now >= measured_from_) {
      cpu_at_measured_ = thread_seconds();
      cpu_measured_ = true;
    }
    give_up_on_late(now);
    if (!ended_ && (now >= end_ || stop_->stop_requested()))
      end_sending(now);
    if (ended_ && is_over(now)) {
      finish();
      return;
    }
    if (*progress_ && now >= next_progress_) {
      report(now);
      next_progress_ = now + progress_every;
    }
    keeper_.expires_at(std::min(std::max(end_, now + milliseconds(1)), now + housekeeping));
    keeper_.async_wait([this](error_code error) {
      if (!error)
        keep_house();
    });
  }

  void give_up_on_late(Clock::time_point now) {
    const milliseconds limit = profile_.client_limit();
    for (Wire &wire : wires_)
      if (!for_samples(wire) &&
          (wire.state == Wire::State::busy || wire.state == Wire::State::connecting) &&
          now - wire.errand.at >= limit)
        broke(wire, "client_timeout");
  }

  void end_sending(Clock::time_point now) {
    send_due(); // what was due before the end and is late is sent all the same
    ended_ = true;
    ended_at_ = now;
    cpu_at_end_ = thread_seconds();
    into_->stopped = now < end_;
    if (!cpu_measured_)
      cpu_at_measured_ = cpu_at_end_;
  }

  // Nothing is open any more, or the time for that is over.
  bool is_over(Clock::time_point now) const {
    const Clock::time_point limit = ended_at_ + drain_limit;
    return now >= limit || (outstanding_ == 0 && (last_sample_sent_ || into_->stopped) &&
                            (!sample_under_way() || into_->stopped));
  }

  void finish() {
    for (Wire &wire : wires_)
      if (!for_samples(wire) &&
          (wire.state == Wire::State::busy || wire.state == Wire::State::connecting))
        broke(wire, "client_timeout");
    if (*progress_)
      report(Clock::now());
    finished_ = true;
  }

  void report(Clock::time_point now) const {
    Progress shown;
    shown.phase = ended_                  ? Progress::Phase::finishing
                  : now >= measured_from_ ? Progress::Phase::measuring
                                          : Progress::Phase::warm_up;
    shown.total = profile_.total();
    shown.elapsed = std::clamp(std::chrono::duration_cast<milliseconds>(now - start_),
                               milliseconds(0), shown.total);
    shown.sent = taken_;
    shown.ok = ok_;
    shown.failed = failed_;
    (*progress_)(shown);
  }

  const Profile &profile_;
  const Schedule &schedule_;
  const std::vector<unsigned short> ports_;
  const RequestTexts texts_;
  std::vector<std::string> pool_requests_; // one a port
  std::string strategy_request_;

  asio::io_context io_{1}; // 1: one thread
  asio::steady_timer timer_;
  asio::steady_timer keeper_;
  asio::steady_timer sampler_;
  std::deque<Wire> wires_; // never moved, never removed
  std::vector<std::vector<Wire *>> idle_; // by port; those no longer idle are passed over
  std::vector<std::vector<Wire *>> closed_; // by port
  std::vector<Wire *> sample_wires_;        // by port

  Clock::time_point start_;
  Clock::time_point measured_from_;
  Clock::time_point end_;
  const OnProgress *progress_ = nullptr;
  const std::stop_token *stop_ = nullptr;
  Recorded *into_ = nullptr;

  std::size_t next_arrival_ = 0;
  std::priority_queue<DueUser, std::vector<DueUser>, std::greater<>> due_users_;
  std::vector<std::size_t> user_positions_;
  Clock::time_point armed_for_ = Clock::time_point::max();

  int outstanding_ = 0;
  std::uint64_t taken_ = 0;
  std::uint64_t ok_ = 0;
  std::uint64_t failed_ = 0;

  nlohmann::json strategy_;
  bool asked_strategy_ = false;
  Clock::time_point next_sample_;
  bool last_sample_sent_ = false;

  Clock::time_point next_progress_;
  bool ended_ = false;
  bool finished_ = false;
  Clock::time_point ended_at_;
  bool cpu_measured_ = false;
  double cpu_at_measured_ = 0;
  double cpu_at_end_ = 0;
};

Traffic::Traffic(const Profile &profile, const Schedule &schedule, const Target &target)
    : loop_(std::make_unique<Loop>(profile, schedule, target)) {}
Traffic::~Traffic() = default;

nlohmann::json Traffic::ask_strategy() { return loop_->ask_strategy(); }

void Traffic::run(Clock::time_point start, const OnProgress &progress, const std::stop_token &stop,
                  Recorded &into) {
  loop_->run(start, progress, stop, into);
}

} // namespace lab::load
