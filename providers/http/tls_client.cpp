#include "providers/http/tls_client.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace rekeyd::providers {
namespace {

namespace asio = boost::asio;
namespace ssl = asio::ssl;
using boost::system::error_code;

Error tls_error(ErrorClass error_class, std::string what) {
  Error error;
  error.error_class = error_class;
  error.delivery = Delivery::not_sent;
  error.what = std::move(what);
  return error;
}

bool is_alert(error_code failure) {
  return ERR_GET_REASON(static_cast<unsigned long>(failure.value())) >= SSL_AD_REASON_OFFSET;
}

Error distrust(std::string const& host, long verdict) {
  auto error = tls_error(ErrorClass::access, fmt::format("the certificate of {} is not trusted: {}", host,
                                                         X509_verify_cert_error_string(verdict)));
  error.remedy = verdict == X509_V_ERR_CERT_HAS_EXPIRED || verdict == X509_V_ERR_CERT_NOT_YET_VALID
                     ? "renew the service's certificate, or set this machine's clock"
                     : "check the address, and name the right authority in the provider's ca_file";
  return error;
}

// OpenSSL's own text misleads here ("EVP lib" for an unknown issuer of a known name): what it found of the
// certificate is asked first.
Error handshake_error(TlsStream& stream, std::string const& host, error_code failure) {
  if (failure == asio::error::operation_aborted)
    return tls_error(ErrorClass::cancelled, "the TLS handshake was cancelled");
  auto const verdict = SSL_get_verify_result(stream.native_handle());
  if (failure.category() != asio::error::get_ssl_category())
    return tls_error(
        ErrorClass::transient,
        fmt::format("{} broke the connection off in the TLS handshake: {}", host, failure.message()));
  if (verdict != X509_V_OK) return distrust(host, verdict);
  if (is_alert(failure))
    return tls_error(ErrorClass::access,
                     fmt::format("{} refused the TLS handshake: {}", host, failure.message()));
  return tls_error(ErrorClass::malformed, fmt::format("{} does not speak TLS: {}", host, failure.message()));
}

// host_name_verification() only answers no; the verdict must name the reason for distrust() to tell it.
struct NamedVerification {
  explicit NamedVerification(std::string const& host) : names(host) {}
  bool operator()(bool preverified, ssl::verify_context& context) const {
    bool const fits = names(preverified, context);
    if (preverified && !fits) X509_STORE_CTX_set_error(context.native_handle(), X509_V_ERR_HOSTNAME_MISMATCH);
    return fits;
  }
  ssl::host_name_verification names;
};

}  // namespace

Result<std::unique_ptr<TlsClient>> TlsClient::make(std::string const& ca_file) {
  std::unique_ptr<TlsClient> client(new TlsClient);
  auto& context = client->context_;
  error_code failure;
  if (ca_file.empty()) {
    context.set_default_verify_paths(failure);
  } else {
    context.load_verify_file(ca_file, failure);
  }
  if (failure) {
    auto error =
        tls_error(ErrorClass::permanent,
                  fmt::format("cannot read the certificates of trusted authorities: {}", failure.message()));
    error.where = ca_file.empty() ? "the system's certificate store" : ca_file;
    error.remedy = "name a readable PEM file with at least one certificate";
    return std::unexpected(std::move(error));
  }
  context.set_verify_mode(ssl::verify_peer);
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.native_handle(), SSL_OP_CLEANSE_PLAINTEXT);
  return client;
}

Result<void> TlsClient::name_peer(TlsStream& stream, Endpoint const& endpoint) {
  auto* const connection = stream.native_handle();
  if (SSL_set_tlsext_host_name(connection, endpoint.host.c_str()) != 1)
    return std::unexpected(tls_error(ErrorClass::permanent, "the host name is too long for TLS"));
  stream.set_verify_callback(NamedVerification(endpoint.host));
  auto const known = sessions_.find(endpoint);
  if (known == sessions_.end()) return {};
  SSL_set_session(connection, known->second.get());
  // A ticket of TLS 1.3 is for one connection; the next reply brings another.
  if (SSL_SESSION_get_protocol_version(known->second.get()) >= TLS1_3_VERSION) sessions_.erase(known);
  return {};
}

asio::awaitable<Result<TlsStream>> TlsClient::handshake(asio::ip::tcp::socket socket, Endpoint endpoint) {
  TlsStream stream(std::move(socket), context_);
  auto const named = name_peer(stream, endpoint);
  if (!named) co_return std::unexpected(named.error());
  auto [failure] =
      co_await stream.async_handshake(ssl::stream_base::client, asio::as_tuple(asio::use_awaitable));
  if (failure) co_return std::unexpected(handshake_error(stream, endpoint.host, failure));
  co_return stream;
}

void TlsClient::remember_session(Endpoint const& endpoint, TlsStream& stream) {
  auto* const current = SSL_get_session(stream.native_handle());
  if (current == nullptr || SSL_SESSION_is_resumable(current) != 1) return;
  // A copy: OpenSSL spoils the session of a connection that goes without close_notify, and most do.
  Session copy(SSL_SESSION_dup(current));
  if (copy) sessions_[endpoint] = std::move(copy);
}

}  // namespace rekeyd::providers
