#include "tests/simulator/azure/access_token.hpp"

#include "tests/simulator/crypto.hpp"
#include "tests/simulator/message.hpp"

#include <boost/json.hpp>

#include <set>

namespace rekeyd::sim::azure {

namespace json = boost::json;

bool is_resource(std::string const& audience) {
  static std::set<std::string> const resources{
      "https://vault.azure.net", "https://managedhsm.azure.net", "https://management.azure.com",
      "https://vault.localhost", "https://managedhsm.localhost", "https://management.localhost"};
  return resources.contains(audience);
}

std::string issuer_of(std::string_view tenant) {
  return "https://sts.windows.net/" + std::string(tenant) + "/";
}

std::string TokenMint::signature(std::string_view signed_part) const {
  return base64url(sha256_hex(secret_ + sha256_hex(secret_ + std::string(signed_part))));
}

std::string TokenMint::issue(TokenClaims const& claims, Instant now) const {
  json::object const header{{"typ", "JWT"}, {"alg", "RS256"}, {"kid", "rekeyd-sim"}};
  json::object const body{{"aud", claims.audience},
                          {"iss", claims.issuer},
                          {"iat", now.time_since_epoch().count()},
                          {"nbf", now.time_since_epoch().count()},
                          {"exp", claims.expires.time_since_epoch().count()},
                          {"appid", claims.client_id},
                          {"xms_claimed", claims.claimed.time_since_epoch().count()},
                          {"ver", "1.0"}};
  std::string token = base64url(json::serialize(header)) + "." + base64url(json::serialize(body));
  return token + "." + signature(token);
}

std::optional<TokenClaims> TokenMint::claims_in(std::string_view token) const {
  auto const first = token.find('.');
  auto const last = token.rfind('.');
  if (first == last || token.substr(last + 1) != signature(token.substr(0, last))) return std::nullopt;
  auto const body = from_base64url(token.substr(first + 1, last - first - 1));
  auto const claims = body ? json_object(*body) : std::nullopt;
  auto const expires = claims ? integer_member(*claims, "exp") : std::nullopt;
  if (!expires) return std::nullopt;
  return TokenClaims{string_member(*claims, "aud").value_or(""), string_member(*claims, "iss").value_or(""),
                     string_member(*claims, "appid").value_or(""), Instant(std::chrono::seconds(*expires)),
                     Instant(std::chrono::seconds(integer_member(*claims, "xms_claimed").value_or(0)))};
}

std::expected<TokenClaims, TokenFault> TokenMint::read(std::string_view token, Instant now) const {
  if (last_token_.empty() || token != last_token_) {
    auto claims = claims_in(token);
    if (!claims) return std::unexpected(TokenFault::malformed);
    last_token_ = token;
    last_claims_ = *std::move(claims);
  }
  if (last_claims_.expires <= now) return std::unexpected(TokenFault::expired);
  return last_claims_;
}

}  // namespace rekeyd::sim::azure
