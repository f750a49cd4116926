// A stand-in for the host of a made-up lab: it knows one strategy, so that what my/settings.toml
// says can be checked. [one thread]
#pragma once

#include <Poco/Net/HTTPRequestHandler.h>
#include <Poco/Net/HTTPRequestHandlerFactory.h>
#include <Poco/Net/HTTPServer.h>
#include <Poco/Net/HTTPServerParams.h>
#include <Poco/Net/HTTPServerRequest.h>
#include <Poco/Net/HTTPServerResponse.h>
#include <Poco/Net/ServerSocket.h>

namespace lab::path {

// Answers every question as the host answers GET /api/v1/strategies.
class MadeUpHost {
public:
  MadeUpHost()
      : socket_(Poco::Net::SocketAddress("127.0.0.1", 0)),
        server_(new Factory, socket_, new Poco::Net::HTTPServerParams) {
    server_.start();
  }
  ~MadeUpHost() { server_.stopAll(true); }
  MadeUpHost(const MadeUpHost &) = delete;
  MadeUpHost &operator=(const MadeUpHost &) = delete;

  unsigned short port() const { return socket_.address().port(); }

private:
  struct Handler : Poco::Net::HTTPRequestHandler {
    void handleRequest(Poco::Net::HTTPServerRequest &,
                       Poco::Net::HTTPServerResponse &response) override {
      response.setContentType("application/json");
      response.send() << R"([{"name": "fixed_tiny", "usable": true, "params": [
        {"name": "max", "type": "integer", "default": 3, "min": 1, "max": 1000, "help": "most"},
        {"name": "wait_ms", "type": "milliseconds", "default": 200, "min": 0, "max": 60000,
         "help": "a wait"}]}])";
    }
  };
  struct Factory : Poco::Net::HTTPRequestHandlerFactory {
    Poco::Net::HTTPRequestHandler *
    createRequestHandler(const Poco::Net::HTTPServerRequest &) override {
      return new Handler; // the server's own
    }
  };

  Poco::Net::ServerSocket socket_;
  Poco::Net::HTTPServer server_;
};

// For a lab that is down.
inline unsigned short port_where_nobody_is() {
  return Poco::Net::ServerSocket(Poco::Net::SocketAddress("127.0.0.1", 0)).address().port();
}

} // namespace lab::path
