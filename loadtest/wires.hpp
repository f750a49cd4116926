// Connections to the hosts, and the answers that come in on them. Included by
// traffic.cpp alone: Boost.Beast costs seconds to compile.
//
// A request is written to its connection directly; the connection is then waited
// on, also while it is idle, so that an end from the other side is seen before
// it is used again. An answer is parsed where it arrives. [one thread]
#pragma once

#include "loadtest/recorded.hpp"
#include "loadtest/server_timing.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

namespace lab::load {

// What a connection is used for at the moment.
struct Errand {
  enum class Kind { request, pool, strategy };
  Kind kind = Kind::request;
  RequestLine line;                         // of a request
  std::size_t user = 0;                     // of a request, closed model: whose
  int tries = 0;                            // of a request: how often it was tried before
  std::size_t host = 0;                     // whom it asks, by its port's place
  std::chrono::steady_clock::time_point at; // when it was handed over, for limits
};

// Takes of an answer only what the record needs, without a copy of the rest.
class AnswerParser : public boost::beast::http::basic_parser<false> {
public:
  // `body` gets the body of a failure, or any body when `keep_body`.
  AnswerParser(std::string &body, bool keep_body) : body_(body), keep_body_(keep_body) {
    body_.clear();
    eager(true);
  }

  int status() const { return status_; }
  bool success() const { return status_ >= 200 && status_ < 300; }
  const ServerTiming &timing() const { return timing_; }
  const std::string &body() const { return body_; }

private:
  static constexpr std::size_t kept_body = 256 * 1024;

  using Text = boost::beast::string_view;
  using Error = boost::system::error_code;
  using Length = boost::optional<std::uint64_t>;
  void on_request_impl(boost::beast::http::verb, Text, Text, int, Error &) override {}
  void on_response_impl(int status, Text, int, Error &) override { status_ = status; }
  void on_field_impl(boost::beast::http::field, Text name, Text value, Error &) override {
    if (boost::beast::iequals(name, "Server-Timing"))
      timing_ = parse_server_timing({value.data(), value.size()});
  }
  void on_header_impl(Error &) override {}
  void on_body_init_impl(const Length &, Error &) override {}
  std::size_t on_body_impl(Text part, Error &) override { return keep(part); }
  void on_chunk_header_impl(std::uint64_t, Text, Error &) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, Text part, Error &) override { return keep(part); }
  void on_finish_impl(Error &) override {}

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

// Hears how errands end; each ends exactly once, never from within `send`.
class ErrandListener {
public:
  // `answer` is good until the listener sends something.
  virtual void answered(const Errand &errand, const AnswerParser &answer) = 0;
  virtual void unanswered(const Errand &errand, const char *code) = 0;
  // About to be written to its connection.
  virtual void sending(Errand &errand) = 0;

protected:
  ~ErrandListener() = default;
};

struct Wire {
  enum class State { closed, connecting, idle, busy };

  Wire(boost::asio::io_context &io, std::size_t port, bool is_shared)
      : socket(io), port_index(port), shared(is_shared) {}

  bool under_way() const { return state == State::connecting || state == State::busy; }

  boost::asio::ip::tcp::socket socket;
  std::size_t port_index;
  bool shared; // for any request; else one's own (the sampler's)
  State state = State::closed;
  std::uint64_t life = 0; // counts its sockets: a late event of an old one is told by it
  std::optional<AnswerParser> parser;
  boost::beast::flat_buffer buffer;
  std::string body;
  std::string_view text; // of the errand: its bytes
  Errand errand;
};

class Wires {
public:
  using Clock = std::chrono::steady_clock;

  Wires(boost::asio::io_context &io, std::vector<unsigned short> ports, ErrandListener &listener)
      : io_(io), ports_(std::move(ports)), listener_(listener), idle_(ports_.size()),
        closed_(ports_.size()) {}

  // `text` must live until the errand ends.
  void send(std::size_t port_index, std::string_view text, const Errand &errand) {
    send_on(free_wire(port_index), text, errand);
  }

  // A connection for one purpose, not used for others.
  Wire &own_wire(std::size_t port_index) { return all_.emplace_back(io_, port_index, false); }

  void send_on(Wire &wire, std::string_view text, const Errand &errand) {
    wire.text = text;
    wire.errand = errand;
    wire.errand.at = Clock::now();
    if (wire.state == Wire::State::idle)
      write(wire, false);
    else
      connect(wire);
  }

  // Ends requests handed over before `before`.
  void give_up(Clock::time_point before) {
    for (Wire &wire : all_)
      if (wire.shared && wire.under_way() && wire.errand.at <= before)
        broke(wire, "client_timeout");
  }

  // Its errand, if any, is forgotten.
  void shut(Wire &wire) {
    ++wire.life;
    Error ignored;
    wire.socket.close(ignored);
    wire.state = Wire::State::closed;
  }

private:
  using tcp = boost::asio::ip::tcp;
  using Error = boost::system::error_code;

  // The idle one that was used last, else a closed one, else a new one.
  Wire &free_wire(std::size_t port_index) {
    std::vector<Wire *> &idle = idle_[port_index];
    while (!idle.empty()) {
      Wire *wire = idle.back();
      idle.pop_back();
      if (wire->state == Wire::State::idle)
        return *wire;
    }
    std::vector<Wire *> &closed = closed_[port_index];
    if (closed.empty())
      return all_.emplace_back(io_, port_index, true);
    Wire *wire = closed.back();
    closed.pop_back();
    return *wire;
  }

  void connect(Wire &wire) {
    const std::uint64_t life = ++wire.life;
    wire.state = Wire::State::connecting;
    Error error;
    wire.socket = tcp::socket(io_);
    wire.socket.open(tcp::v4(), error);
    if (!error)
      wire.socket.non_blocking(true, error);
    const tcp::endpoint host(boost::asio::ip::address_v4::loopback(), ports_[wire.port_index]);
    // Also when opening failed: then the connect fails, in a later turn.
    wire.socket.async_connect(host, [this, &wire, life](Error failure) {
      if (life != wire.life)
        return;
      if (failure) {
        broke(wire, "connect_failed");
        return;
      }
      Error ignored;
      wire.socket.set_option(tcp::no_delay(true), ignored);
      wire.buffer.clear();
      write(wire, true);
      if (life == wire.life)
        wait_readable(wire);
    });
  }

  void write(Wire &wire, bool fresh) {
    wire.state = Wire::State::busy;
    wire.parser.emplace(wire.body, wire.errand.kind != Errand::Kind::request);
    listener_.sending(wire.errand);
    Error error;
    const std::size_t written =
        wire.socket.write_some(boost::asio::buffer(wire.text.data(), wire.text.size()), error);
    if (error && error != boost::asio::error::would_block) {
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
    boost::asio::async_write(
        wire.socket, boost::asio::buffer(wire.text.data() + written, wire.text.size() - written),
        [this, &wire, life = wire.life](Error failure, std::size_t) {
          if (life == wire.life && failure)
            broke(wire, "connect_failed");
        });
  }

  void wait_readable(Wire &wire) {
    wire.socket.async_wait(tcp::socket::wait_read, [this, &wire, life = wire.life](Error) {
      if (life == wire.life)
        read(wire);
    });
  }

  void read(Wire &wire) {
    Error error;
    const std::size_t size = wire.socket.read_some(wire.buffer.prepare(16 * 1024), error);
    if (error == boost::asio::error::would_block) {
      wait_readable(wire);
      return;
    }
    const bool busy = wire.state == Wire::State::busy;
    if (error == boost::asio::error::eof && busy && wire.parser->got_some()) {
      Error incomplete;
      wire.parser->put_eof(incomplete); // an answer without a length ends here
      if (!incomplete && wire.parser->is_done()) {
        answered(wire, false);
        return;
      }
    }
    if (error || !busy) {
      broke(wire, "connect_failed");
      return;
    }
    wire.buffer.commit(size);
    if (!parse(wire))
      broke(wire, "connect_failed");
    else if (wire.parser->is_done())
      answered(wire, wire.parser->keep_alive() && wire.buffer.size() == 0);
    else
      wait_readable(wire);
  }

  // What has arrived. False: that is no HTTP.
  static bool parse(Wire &wire) {
    while (wire.buffer.size() > 0 && !wire.parser->is_done()) {
      Error error;
      const std::size_t used = wire.parser->put(wire.buffer.data(), error);
      wire.buffer.consume(used);
      if (error == boost::beast::http::error::need_more || (!error && used == 0))
        return true;
      if (error)
        return false;
    }
    return true;
  }

  // A whole answer came.
  void answered(Wire &wire, bool keep) {
    // Given back first: the listener may send the next request at once, and on
    // this very connection.
    const Errand errand = wire.errand;
    if (keep) {
      wire.state = Wire::State::idle;
      wait_readable(wire);
    } else {
      shut(wire);
    }
    if (wire.shared)
      (keep ? idle_ : closed_)[wire.port_index].push_back(&wire);
    listener_.answered(errand, *wire.parser);
  }

  // The connection is gone; what was under way on it ended with `code`.
  void broke(Wire &wire, const char *code) {
    const bool under_way = wire.under_way();
    const Errand errand = wire.errand;
    shut(wire);
    if (wire.shared)
      closed_[wire.port_index].push_back(&wire);
    if (under_way)
      listener_.unanswered(errand, code);
  }

  boost::asio::io_context &io_;
  const std::vector<unsigned short> ports_;
  ErrandListener &listener_;
  std::deque<Wire> all_;                    // never moved, never removed
  std::vector<std::vector<Wire *>> idle_;   // by port; those no longer idle are passed over
  std::vector<std::vector<Wire *>> closed_; // by port
};

} // namespace lab::load
