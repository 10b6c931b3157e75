#pragma once
#include "providers/auth/token_cache.hpp"
#include "providers/http/api_client.hpp"

#include <boost/json/fwd.hpp>

#include <string>
#include <string_view>

/// What token endpoints have in common (RFC 6749): a form goes out, JSON comes back.
namespace rekeyd::providers {

/// "name=value&name=value", percent-encoded, in wiped memory.
class TokenForm {
 public:
  TokenForm& add(std::string_view name, std::string_view value);
  TokenForm& add(std::string_view name, Secret const& value) { return add(name, value.reveal()); }
  Body take() { return std::move(body_); }

 private:
  Body body_;
};

HttpRequest token_request(Endpoint issuer, std::string target, TokenForm form);

/// A 200's body. Malformed error if the token is missing, not fit for a header, or without a lifetime.
/// expires_in and refresh_in may be numbers or strings of digits; `expiration` (IBM) and `expires_on`
/// (managed identities), epoch seconds, serve where expires_in is missing.
Result<IssuedToken> read_token(HttpResponse const& response, Instant now, std::string_view where);

/// A member's text, or empty if it is no string. Cut to its first line and 300 characters, without control
/// characters: providers' error texts, fit for a log line.
std::string error_text(boost::json::object const& object, std::string_view name);

}  // namespace rekeyd::providers
