#pragma once
#include "policy/error.hpp"
#include "providers/http/transport.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>

#include <map>
#include <memory>
#include <string>

namespace rekeyd::providers {

using TlsStream = boost::asio::ssl::stream<boost::asio::ip::tcp::socket>;

/// Our side of TLS: 1.2 or newer, the peer's chain and host name checked, SNI sent, plaintext buffers
/// cleansed, sessions resumed where the service offers it.
class TlsClient {
 public:
  /// `ca_file`: PEM of the only authorities to trust; empty: the system's. Permanent error if it cannot be
  /// read.
  static Result<std::unique_ptr<TlsClient>> make(std::string const& ca_file);

  /// The TLS side of a fresh connection. Errors are not_sent: access when the peer is not who it should be or
  /// refuses us, malformed when it does not speak TLS, transient when the connection broke.
  boost::asio::awaitable<Result<TlsStream>> handshake(boost::asio::ip::tcp::socket socket, Endpoint endpoint);

  /// Keeps the session for the next connection to `endpoint`. Call after the first reply: TLS 1.3 sends its
  /// tickets after the handshake.
  void remember_session(Endpoint const& endpoint, TlsStream& stream);

 private:
  struct SessionFree {
    void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
  };
  using Session = std::unique_ptr<SSL_SESSION, SessionFree>;

  TlsClient() = default;
  Result<void> name_peer(TlsStream& stream, Endpoint const& endpoint);

  boost::asio::ssl::context context_{boost::asio::ssl::context::tls_client};
  std::map<Endpoint, Session> sessions_;
};

}  // namespace rekeyd::providers
