#pragma once
#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <string_view>

typedef struct evp_pkey_st EVP_PKEY;

/// JSON web tokens as Entra ID takes them in place of a client secret (RFC 7515, RFC 7523).
namespace rekeyd::sim::azure {

struct JsonWebToken {
  boost::json::object header, claims;
  std::string signed_part;  ///< What the signature is over.
  std::string signature;    ///< Bytes.
};

/// Nothing for a text that is none.
std::optional<JsonWebToken> read_token(std::string_view text);

/// Is the signature this public key's, by the algorithm that the header names (PS256, RS256)?
bool signed_by(JsonWebToken const& token, EVP_PKEY* key);

/// An RS256 token.
std::string sign_token(boost::json::object const& header, boost::json::object const& claims, EVP_PKEY* key);

}  // namespace rekeyd::sim::azure
