#pragma once
#include "policy/instant.hpp"

#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace rekeyd::sim::azure {

struct TokenClaims {
  std::string audience;  ///< The resource, without "/.default": "https://vault.azure.net".
  std::string issuer;    ///< "https://sts.windows.net/TENANT/"
  std::string client_id;
  Instant expires;
  Instant claimed{};  ///< The moment that a claims challenge demanded ("nbf"), if the token answers one.
};

enum class TokenFault { malformed, expired };

/// Issues access tokens shaped like Entra's (header.claims.signature), and reads them back. Knows no token: a
/// vault can check any of the same world. Only the last good one's content is kept, for the next request that
/// brings it.
class TokenMint {
 public:
  explicit TokenMint(std::string secret) : secret_(std::move(secret)) {}
  std::string issue(TokenClaims const& claims, Instant now) const;
  std::expected<TokenClaims, TokenFault> read(std::string_view token, Instant now) const;

 private:
  std::string signature(std::string_view signed_part) const;
  std::optional<TokenClaims> claims_in(std::string_view token) const;

  std::string secret_;
  mutable std::string last_token_;
  mutable TokenClaims last_claims_{};
};

/// What tokens are issued for: vaults, Managed HSM, Resource Manager; real names and loopback ones.
bool is_resource(std::string const& audience);

/// "https://sts.windows.net/TENANT/", the issuer of a tenant's tokens.
std::string issuer_of(std::string_view tenant);

}  // namespace rekeyd::sim::azure
