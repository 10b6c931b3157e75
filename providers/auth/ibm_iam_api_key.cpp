#include "providers/auth/ibm_iam_api_key.hpp"

#include "providers/auth/token_request.hpp"
#include "providers/http/wire_request.hpp"
#include "providers/json.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace rekeyd::providers {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

class IamIssuer final : public TokenIssuer {
 public:
  IamIssuer(ApiClient& api, Clock& clock, Endpoint iam, Secret api_key)
      : api_(api), clock_(clock), iam_(std::move(iam)), api_key_(std::move(api_key)) {}

  asio::awaitable<Result<IssuedToken>> issue(TokenWish, Clock::Mono deadline) override {
    auto request = request_for_token();
    auto const where = where_of(request);
    auto const response = co_await api_.call(std::move(request), Repeatable::yes, deadline);
    if (!response) co_return std::unexpected(response.error());
    if (response->status != 200) co_return std::unexpected(ibm_iam_error(*response, where));
    co_return read_token(*response, clock_.wall_now(), where);
  }

 private:
  HttpRequest request_for_token() const {
    TokenForm form;
    form.add("grant_type", "urn:ibm:params:oauth:grant-type:apikey").add("apikey", api_key_);
    return token_request(iam_, "/identity/token", std::move(form));
  }

  ApiClient& api_;
  Clock& clock_;
  Endpoint iam_;
  Secret api_key_;
};

// One audience for all: IAM's tokens name none.
class AnyAudience final : public CredentialSource {
 public:
  explicit AnyAudience(std::unique_ptr<CredentialSource> cache) : cache_(std::move(cache)) {}
  asio::awaitable<Result<AccessTokenPtr>> token(std::string, Clock::Mono deadline) override {
    return cache_->token(std::string(), deadline);
  }
  void forget(AccessTokenPtr const& token) override { cache_->forget(token); }

 private:
  std::unique_ptr<CredentialSource> cache_;
};

char const* remedy_for(std::string_view code) {
  if (code == "BXNIM0415E")
    return "the API key does not exist (any more): make a new one and replace the credential";
  return "check the API key of this provider and that its account is in order";
}

void explain(Error& error, json::object const& body) {
  error.code = error_text(body, "errorCode");
  auto const message = error_text(body, "errorMessage");
  if (!message.empty()) error.what = fmt::format("IBM IAM gives no token: {}", message);
  auto const* const context = body.if_contains("context");
  if (context == nullptr || !context->is_object()) return;
  if (auto id = error_text(context->get_object(), "requestId"); !id.empty()) error.request_id = std::move(id);
}

}  // namespace

Error ibm_iam_error(HttpResponse const& response, std::string where) {
  Error error;
  error.where = std::move(where);
  error.http_status = response.status;
  error.request_id = response.header("Transaction-Id");
  error.what = "IBM IAM gives no token";
  auto const parsed = parse_wiping(response.body, error.where);
  if (parsed && parsed->is_object()) explain(error, parsed->get_object());
  bool const passing =
      response.status == 429 || response.status == 408 || (response.status >= 500 && response.status != 501);
  if (passing) {
    error.error_class = ErrorClass::transient;
  } else if (!parsed || !parsed->is_object()) {
    error.error_class = ErrorClass::malformed;
    error.what = parsed ? "the answer is not a token endpoint's" : parsed.error().what;
    error.remedy = "check the IAM address: something else answers there";
  } else {
    error.error_class = ErrorClass::access;
    error.remedy = remedy_for(error.code);
  }
  return error;
}

std::unique_ptr<CredentialSource> make_ibm_iam_api_key(ApiClient& api, Clock& clock, Endpoint iam,
                                                       Secret api_key) {
  auto issuer = std::make_unique<IamIssuer>(api, clock, std::move(iam), std::move(api_key));
  return std::make_unique<AnyAudience>(make_token_cache(clock, std::move(issuer), ibm_times));
}

}  // namespace rekeyd::providers
