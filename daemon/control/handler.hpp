#pragma once
#include <boost/asio/awaitable.hpp>

#include <map>
#include <string>

namespace rekeyd::daemon {

/// One request over the control socket, read whole and taken apart.
struct ControlRequest {
  std::string method;                        ///< "GET", "POST", ...
  std::string path;                          ///< Percent-decoded, without the query: "/v1/status".
  std::map<std::string, std::string> query;  ///< Percent-decoded; each name came at most once.
  std::string body;
  std::string caller;  ///< "uid 1000 (anna)", from the kernel.
  unsigned uid{};
};

struct ControlAnswer {
  unsigned status{};  ///< An HTTP status.
  std::string body;   ///< JSON.
};

/// What the control server hands its requests to.
///
/// *Cancellation:* an answer that is still being made when the server's time to stop has run out is cancelled
/// (terminal). *Exceptions:* become a 500 answer; they do not leave the server.
class ControlHandler {
 public:
  virtual ~ControlHandler() = default;
  virtual boost::asio::awaitable<ControlAnswer> answer(ControlRequest request) = 0;
};

}  // namespace rekeyd::daemon
