#include "providers/auth/entra_application.hpp"

#include "providers/auth/entra_error.hpp"
#include "providers/auth/token_cache.hpp"
#include "providers/encoding.hpp"
#include "providers/http/retry.hpp"
#include "providers/http/wire_request.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rekeyd::providers {
namespace {

namespace asio = boost::asio;

std::string scope_of(std::string audience) {
  constexpr std::string_view all_of_it = "/.default";
  if (audience.ends_with('/')) audience.pop_back();
  if (!audience.ends_with(all_of_it)) audience += all_of_it;
  return audience;
}

class EntraIssuer final : public TokenIssuer {
 public:
  EntraIssuer(ApiClient& api, Clock& clock, EntraApplication application)
      : api_(api), clock_(clock), application_(std::move(application)) {}

  asio::awaitable<Result<IssuedToken>> issue(TokenWish wish, Clock::Mono deadline) override {
    for (int tries = 1;; ++tries) {
      auto request = request_for(wish);
      if (!request) co_return std::unexpected(request.error());
      auto const where = where_of(*request);
      auto const response = co_await api_.call(std::move(*request), Repeatable::no, deadline);
      auto const again_at = next_try(response, tries);
      if (tries < tries_max && again_at && *again_at < deadline) {
        co_await clock_.sleep_until(*again_at);
        continue;
      }
      if (!response) co_return std::unexpected(response.error());
      if (response->status != 200) co_return std::unexpected(entra_error(*response, where));
      co_return read_token(*response, clock_.wall_now(), where);
    }
  }

 private:
  static constexpr int tries_max = 5;

  // An assertion is good once: what may have reached Entra ID goes out again with a new one, and not by the
  // client beneath. That one repeats by itself only what was not looked at (no connection, 429).
  std::optional<Clock::Mono> next_try(Result<HttpResponse> const& response, int tries) const {
    if (after_try(response, Repeatable::yes) != AfterTry::again) return std::nullopt;
    if (!response && response.error().delivery == Delivery::not_sent) return std::nullopt;
    std::chrono::milliseconds wait(250 << tries);
    if (response) {
      auto const asked = parse_retry_after(response->header("Retry-After"), clock_.wall_now());
      if (asked) wait = std::max<std::chrono::milliseconds>(wait, *asked);
    }
    return clock_.mono_now() + wait;
  }

  Result<HttpRequest> request_for(TokenWish wish) const {
    auto const target = fmt::format("/{}/oauth2/v2.0/token", percent_encode(application_.tenant));
    TokenForm form;
    form.add("client_id", application_.client_id);
    auto const proven =
        application_.proof->add_to(form, application_.client_id, application_.authority.text() + target);
    if (!proven) return std::unexpected(proven.error());
    form.add("grant_type", "client_credentials").add("scope", scope_of(std::move(wish.audience)));
    if (!wish.claims.empty()) form.add("claims", wish.claims);
    return token_request(application_.authority, target, std::move(form));
  }

  ApiClient& api_;
  Clock& clock_;
  EntraApplication application_;
};

}  // namespace

std::unique_ptr<CredentialSource> make_entra_application(ApiClient& api, Clock& clock,
                                                         EntraApplication application) {
  auto issuer = std::make_unique<EntraIssuer>(api, clock, std::move(application));
  return make_token_cache(clock, std::move(issuer), entra_times);
}

}  // namespace rekeyd::providers
