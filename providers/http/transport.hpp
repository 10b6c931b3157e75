#pragma once
#include "policy/error.hpp"
#include "providers/secret.hpp"
#include "providers/system/clock.hpp"

#include <boost/asio/awaitable.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rekeyd::providers {

/// Scheme, host and port of a service: "https://kv1.vault.azure.net". `https` is false only for
/// instance-metadata services on link-local addresses.
struct Endpoint {
  std::string host;  ///< Lower case, no trailing dot.
  std::string port{"443"};
  bool https{true};
  auto operator<=>(Endpoint const&) const = default;

  /// "https://host" or "https://host:port"; the port is left out when it is the scheme's own.
  std::string text() const;
  /// Value of the Host header: host, or host:port when the port is not the scheme's own.
  std::string host_header() const;
  /// From "https://host[:port]" with nothing but '/' after it.
  static Result<Endpoint> parse(std::string_view url);
};

/// May plain http be spoken to this host? Only to this machine (loopback addresses, localhost) and to what is
/// on its own link (link-local addresses, where the instance metadata service answers): what goes there in
/// clear passes no network. The transport refuses all else, whatever a configuration or an answer says.
bool may_go_in_clear(Endpoint const& endpoint);

using Headers = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method{"GET"};
  Endpoint endpoint;
  std::string target{"/"};  ///< Path and query, percent-encoded.
  Headers headers;
  Body body;
};

struct HttpResponse {
  unsigned status{};
  Headers headers;
  Body body;

  /// The first header of that name (any case), or empty.
  std::string_view header(std::string_view name) const;
};

/// The one seam to the network: one request, one whole reply, before `deadline`. Repeats nothing by itself,
/// with one exception: a request of a safe method (GET, HEAD) that found its kept-alive connection closed
/// before the first byte of a reply goes out once more on a fresh one.
///
/// Errors: delivery tells not_sent (no byte left), or maybe_applied (no whole reply came). error_class is
/// transient for network trouble and deadlines, access for a TLS peer that is not who it should be, malformed
/// for an answer that is not HTTP or larger than the limit, cancelled when the caller was cancelled.
/// Any HTTP status is a success here.
class HttpTransport {
 public:
  virtual ~HttpTransport() = default;
  virtual boost::asio::awaitable<Result<HttpResponse>> exchange(HttpRequest request,
                                                                Clock::Mono deadline) = 0;
  /// Says goodbye (TLS close_notify) on idle connections.
  virtual boost::asio::awaitable<void> close() = 0;
};

}  // namespace rekeyd::providers
