#include "host/http/server.hpp"

#include <charconv>

#include <Poco/Net/HTTPRequestHandler.h>
#include <Poco/Net/HTTPRequestHandlerFactory.h>
#include <Poco/Net/HTTPServer.h>
#include <Poco/Net/HTTPServerParams.h>
#include <Poco/Net/HTTPServerRequest.h>
#include <Poco/Net/HTTPServerRequestImpl.h>
#include <Poco/Net/HTTPServerResponse.h>
#include <Poco/ThreadPool.h>

#include "host/http/socket.hpp"

namespace lab::host {
namespace {

using Poco::Net::HTTPServerRequest;
using Poco::Net::HTTPServerRequestImpl;
using Poco::Net::HTTPServerResponse;

constexpr std::size_t largest_body = std::size_t{256} * 1024;
constexpr auto default_deadline = std::chrono::seconds(30);

pool::Duration asked_deadline(const std::string &text) {
  if (text.empty())
    return default_deadline;
  int ms = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ms);
  if (error != std::errc() || end != text.data() + text.size() || ms < 1 || ms > 300000)
    throw Problem::bad_request("Request-Timeout-Ms must be a whole number from 1 to 300000");
  return std::chrono::milliseconds(ms);
}

// Reads at most `largest_body`; false when there is more.
bool read_body(HTTPServerRequest &request, std::string &body) {
  const bool chunked = request.getChunkedTransferEncoding();
  if (!chunked && !request.hasContentLength())
    return true;
  const auto length = chunked ? -1 : request.getContentLength64();
  if (length > static_cast<Poco::Int64>(largest_body))
    return false;
  std::istream &in = request.stream();
  body.resize(chunked ? largest_body + 1 : static_cast<std::size_t>(length));
  in.read(body.data(), static_cast<std::streamsize>(body.size()));
  body.resize(static_cast<std::size_t>(in.gcount()));
  if (!chunked && body.size() < static_cast<std::size_t>(length))
    throw Problem::bad_request("the body is shorter than its Content-Length");
  return body.size() <= largest_body;
}

void send(HTTPServerResponse &response, const Answer &answer) {
  response.setStatus(static_cast<HTTPServerResponse::HTTPStatus>(answer.status));
  response.setReason(HTTPServerResponse::getReasonForStatus(response.getStatus()));
  response.setContentType(answer.type);
  for (const auto &[name, value] : answer.headers)
    response.set(name, value);
  if (answer.close)
    response.setKeepAlive(false);
  if (answer.status == 204) {
    response.setContentLength(0);
    response.send();
  } else {
    response.sendBuffer(answer.body.data(), answer.body.size());
  }
}

} // namespace

class HttpServer::Handler : public Poco::Net::HTTPRequestHandler {
public:
  explicit Handler(HttpServer &server) : server_(server) {}

  void handleRequest(HTTPServerRequest &request, HTTPServerResponse &response) override {
    const int in_flight = ++server_.in_flight_;
    Answer answer;
    Call call;
    try {
      read(request, call);
      const bool work = server_.router_.is_work(call);
      if (server_.draining_ && call.path != "/health") {
        if (work)
          server_.metrics_.ended("draining");
        throw Problem(503, "draining", "the host is shutting down");
      }
      if (in_flight > soft_limit && work) {
        server_.metrics_.busy();
        throw Problem(503, "host_busy", "more requests are in flight than the host carries");
      }
      answer = server_.router_.serve(call);
    } catch (const Problem &problem) {
      answer = answer_for(problem);
      answer.close = true; // what is left of the request was not read
    } catch (const std::exception &) {
      answer = answer_for(Problem::bad_request("the request can't be read"));
      answer.close = true;
    }
    answer.close = answer.close || server_.draining_;
    try {
      if (answer.status == client_gone)
        response.setKeepAlive(false);
      else if (answer.take_socket)
        answer.take_socket(dynamic_cast<HTTPServerRequestImpl &>(request).detachSocket());
      else
        send(response, answer);
    } catch (const std::exception &) {
      response.setKeepAlive(false); // the client has gone; there is nobody to tell
    }
    --server_.in_flight_;
  }

private:
  void read(HTTPServerRequest &request, Call &call) {
    call.received = server_.clock_.now();
    call.caller.socket = dynamic_cast<HTTPServerRequestImpl &>(request).socket().impl()->sockfd();
    call.method = request.getMethod();
    const std::string &uri = request.getURI();
    const std::size_t question = uri.find('?');
    call.path = uri.substr(0, question);
    if (question != std::string::npos)
      call.query = uri.substr(question + 1);
    call.content_type = request.getContentType();
    call.host = request.get("Host", "");
    call.accept = request.get("Accept", "");
    call.last_event_id = request.get("Last-Event-ID", "");
    call.origin = request.get("Origin", "");
    call.fetch_site = request.get("Sec-Fetch-Site", "");
    call.deadline = call.received + asked_deadline(request.get("Request-Timeout-Ms", ""));
    if (!read_body(request, call.body))
      throw Problem::too_large("the body may have at most 256 KiB");
  }

  HttpServer &server_;
};

class HttpServer::Handlers : public Poco::Net::HTTPRequestHandlerFactory {
public:
  explicit Handlers(HttpServer &server) : server_(server) {}
  Poco::Net::HTTPRequestHandler *createRequestHandler(const HTTPServerRequest &) override {
    return new Handler(server_);
  }

private:
  HttpServer &server_;
};

HttpServer::HttpServer(const Clock &clock, std::uint16_t port, const Router &router,
                       Metrics &metrics)
    : clock_(clock), router_(router), metrics_(metrics),
      threads_(std::make_unique<Poco::ThreadPool>(16, threads + 4, 60, 256 * 1024)) {
  auto *params = new Poco::Net::HTTPServerParams; // counted by reference; the server keeps it
  params->setMaxThreads(threads);
  params->setMaxQueued(threads);
  params->setKeepAlive(true);
  params->setMaxKeepAliveRequests(0); // no limit
  params->setKeepAliveTimeout(Poco::Timespan(15, 0));
  params->setTimeout(Poco::Timespan(10, 0)); // a client that sends a byte and waits
  server_ = std::make_unique<Poco::Net::HTTPServer>(new Handlers(*this), *threads_,
                                                    listen_on_loopback(port, 1024), params);
  server_->start();
}

HttpServer::~HttpServer() {
  stop();
}

std::uint16_t HttpServer::port() const {
  return server_->port();
}

void HttpServer::drain() {
  draining_ = true;
}

void HttpServer::stop() {
  server_->stopAll(false);
  threads_->joinAll();
}

} // namespace lab::host
