// The bytes of every request a profile can send, made once before the run.
#pragma once

#include "loadtest/profile.hpp"
#include "loadtest/schedule.hpp"

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace lab::load {

class RequestTexts { // [any thread] once made
public:
  RequestTexts(const Profile &profile, const std::vector<unsigned short> &ports);

  std::string_view text(std::size_t port_index, const Choice &choice) const {
    return texts_[port_index][static_cast<std::size_t>(choice.route)][choice.variant];
  }

private:
  using OfPort = std::array<std::vector<std::string>, route_count>; // by variant
  std::vector<OfPort> texts_;
};

// A GET of the host's own API.
std::string api_request(std::string_view path, unsigned short port);

} // namespace lab::load
