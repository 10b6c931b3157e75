#pragma once
#include "providers/http/transport.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <string>

namespace rekeyd::providers {

struct TlsTransportOptions {
  std::string ca_file;  ///< PEM file of trusted authorities; empty: the system's.
  /// Connect elsewhere than the name says: "host:port" → "address:port". TLS still checks the name. For
  /// loopback demos and private networks without DNS.
  std::map<std::string, std::string> connect_to;
  std::size_t idle_connections_max{32};  ///< Kept per endpoint.
  std::chrono::seconds idle_max{60};     ///< Older idle connections are not reused.
  std::size_t body_bytes_max{8 << 20};
  std::size_t header_bytes_max{64 << 10};  ///< ARM sends two 3.4 KB URLs in one head.
};

/// HTTPS/1.1 over Beast with a keep-alive pool. TLS 1.2 or newer, host names checked, SNI sent. Plain http
/// only for endpoints that say so, and only to this machine and its link (may_go_in_clear): a permanent
/// error, and not a byte is sent, where the name or connect_to lead elsewhere. Error if the CA file cannot be
/// read.
Result<std::unique_ptr<HttpTransport>> make_tls_transport(boost::asio::any_io_executor executor, Clock& clock,
                                                          TlsTransportOptions options);

}  // namespace rekeyd::providers
