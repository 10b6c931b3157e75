#pragma once
#include "policy/error.hpp"
#include "providers/secret.hpp"
#include "providers/system/clock.hpp"

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <string>

namespace rekeyd::providers {

/// A bearer token. Shared, because many requests use one; wiped when the last of them ends.
struct AccessToken {
  Secret bearer;                ///< Without the word "Bearer".
  Clock::Mono refresh_after{};  ///< Ask for a new one from here on.
  Clock::Mono expires{};        ///< Not to be used from here on.
};
using AccessTokenPtr = std::shared_ptr<AccessToken const>;

/// Tokens for one identity. Cached, refreshed ahead of expiry, single-flight: callers that ask while a
/// request is on its way share its answer.
class CredentialSource {
 public:
  virtual ~CredentialSource() = default;
  /// `audience`: Entra: the resource, e.g. "https://vault.azure.net", with or without "/.default"; each has a
  /// token of its own. IAM: ignored.
  virtual boost::asio::awaitable<Result<AccessTokenPtr>> token(std::string audience,
                                                               Clock::Mono deadline) = 0;
  /// The service refused this token: do not hand it out again.
  virtual void forget(AccessTokenPtr const& token) = 0;
  /// The service refused this token and says what the next one has to claim (Continuous Access Evaluation):
  /// JSON, passed on to the issuer with the next request. An issuer that takes no claims gives a new token.
  virtual void forget_for_claims(AccessTokenPtr const& token, std::string const& /*claims*/) {
    forget(token);
  }
};

}  // namespace rekeyd::providers
