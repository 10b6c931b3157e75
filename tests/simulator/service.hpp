#pragma once
#include "policy/instant.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The model of the clouds. Pure: requests in, answers out, time as an argument; no sockets, no clock, no
/// threads. tests/simulator/https_server serves it over real HTTPS; tests call it directly.
namespace rekeyd::sim {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method;
  std::string host;        ///< Lower case, without port.
  std::string authority;   ///< The Host header as sent, port included: for URLs in answers.
  std::string target;      ///< Path and query as sent.
  Headers headers;
  std::string body;

  /// The first header of that name (any case), or empty.
  std::string_view header(std::string_view name) const;
};

struct Answer {
  unsigned status{200};
  Headers headers;
  std::string body;
};

/// One cloud service with its state.
class Service {
 public:
  virtual ~Service() = default;
  /// Does this service answer under that host name (real or loopback)?
  virtual bool serves(std::string_view host) const = 0;
  virtual Answer handle(Request const& request, Instant now) = 0;
};

}  // namespace rekeyd::sim
