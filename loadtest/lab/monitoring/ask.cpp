#include "loadtest/lab/monitoring/ask.hpp"

#include <istream>
#include <iterator>

#include <Poco/Exception.h>
#include <Poco/Net/HTTPClientSession.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPResponse.h>
#include <Poco/Timespan.h>

namespace lab::cli {

std::optional<std::string> page_of(unsigned short port, const std::string &path,
                                   std::chrono::milliseconds limit) {
  try {
    Poco::Net::HTTPClientSession session("127.0.0.1", port);
    session.setProxyConfig({});
    session.setTimeout(
        Poco::Timespan(std::chrono::duration_cast<std::chrono::microseconds>(limit).count()));
    Poco::Net::HTTPRequest request("GET", path, Poco::Net::HTTPMessage::HTTP_1_1);
    session.sendRequest(request);
    Poco::Net::HTTPResponse response;
    std::istream &body = session.receiveResponse(response);
    std::string text{std::istreambuf_iterator<char>(body), std::istreambuf_iterator<char>()};
    if (response.getStatus() != Poco::Net::HTTPResponse::HTTP_OK)
      return std::nullopt;
    return text;
  } catch (const Poco::Exception &) {
    return std::nullopt; // nobody there, or gone in the middle
  }
}

bool answers_well(unsigned short port, const std::string &path) {
  return page_of(port, path).has_value();
}

} // namespace lab::cli
