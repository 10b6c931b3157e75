#include "providers/auth/client_assertion.hpp"

#include "providers/encoding.hpp"

#include <boost/json.hpp>

namespace rekeyd::providers {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

json::object header_of(ClientCertificate const& certificate, AssertionForm const& form) {
  bool const older = form.algorithm == AssertionAlgorithm::rs256;
  json::object header{
      {"alg", older ? "RS256" : "PS256"}, {"typ", "JWT"}, {"x5t#S256", certificate.sha256_thumbprint()}};
  if (older) header["x5t"] = certificate.sha1_thumbprint();
  if (form.send_chain) header["x5c"] = json::array(certificate.chain().begin(), certificate.chain().end());
  return header;
}

json::object body_of(AssertionClaims const& claims) {
  auto const epoch = [](Instant at) { return at.time_since_epoch().count(); };
  return {{"aud", claims.audience},          {"iss", claims.client_id},
          {"sub", claims.client_id},         {"jti", claims.id},
          {"nbf", epoch(claims.now - 1min)}, {"iat", epoch(claims.now)},
          {"exp", epoch(claims.now + 10min)}};
}

}  // namespace

Result<Secret> make_client_assertion(ClientCertificate const& certificate, AssertionForm const& form,
                                     AssertionClaims const& claims) {
  Body assertion;
  assertion += to_base64url(json::serialize(header_of(certificate, form)));
  assertion += '.';
  assertion += to_base64url(json::serialize(body_of(claims)));
  auto const signature = certificate.sign(assertion, form.algorithm);
  if (!signature) return std::unexpected(signature.error());
  assertion += '.';
  append_base64url(assertion, *signature);
  return Secret(std::string_view(assertion));
}

}  // namespace rekeyd::providers
