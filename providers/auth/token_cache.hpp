#pragma once
#include "providers/auth/credential_source.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace rekeyd::providers {

/// A token as its issuer gave it.
struct IssuedToken {
  Secret bearer;
  std::chrono::seconds lifetime{};                   ///< From now.
  std::optional<std::chrono::seconds> refresh_in{};  ///< The issuer's own wish, if it has one.
};

/// What a token is wanted for.
struct TokenWish {
  std::string audience;
  std::string claims;  ///< JSON of a claims challenge that the token has to answer, or empty.
};

/// Asks an issuer for one token. Real ones send a request; the cache decides when.
class TokenIssuer {
 public:
  virtual ~TokenIssuer() = default;
  virtual boost::asio::awaitable<Result<IssuedToken>> issue(TokenWish wish, Clock::Mono deadline) = 0;
};

/// When a token is renewed and when it is dead, counted from its issue.
struct TokenTimes {
  std::chrono::seconds refresh_after{};
  std::chrono::seconds expires{};
};

/// Entra ID: five minutes before the end, at half life from two hours on, or when the issuer wishes if that
/// is earlier; a token too short-lived for that at half its life.
TokenTimes entra_times(std::chrono::seconds lifetime, std::optional<std::chrono::seconds> refresh_in);
/// IBM IAM: at 80 % of its life; dead sixty seconds before its end.
TokenTimes ibm_times(std::chrono::seconds lifetime, std::optional<std::chrono::seconds> refresh_in);
using TokenSchedule = TokenTimes (*)(std::chrono::seconds, std::optional<std::chrono::seconds>);

/// The cache around an issuer, one token an audience.
///
/// While one caller asks the issuer, the others get the token that is still good, or else wait for the same
/// answer. A renewal that fails does no harm while the old token has more than two minutes left: it is
/// served, and the issuer is left alone for half a minute. A refusal is remembered for half a minute too, so
/// that a thousand keys with one wrong secret do not become a thousand failed logins.
std::unique_ptr<CredentialSource> make_token_cache(Clock& clock, std::unique_ptr<TokenIssuer> issuer,
                                                   TokenSchedule schedule);

}  // namespace rekeyd::providers
