#include "providers/auth/ibm_iam.hpp"

#include "providers/auth/secret_file.hpp"
#include "providers/auth/token_request.hpp"
#include "providers/http/wire_request.hpp"
#include "providers/json.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <system_error>

namespace rekeyd::providers {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

/// What IAM is asked with.
class Grant {
 public:
  virtual ~Grant() = default;
  virtual Result<TokenForm> form() const = 0;
  /// Where IAM does not take it.
  virtual char const* remedy() const = 0;
};

class ApiKeyGrant final : public Grant {
 public:
  explicit ApiKeyGrant(Secret api_key) : api_key_(std::move(api_key)) {}
  Result<TokenForm> form() const override {
    TokenForm form;
    form.add("grant_type", "urn:ibm:params:oauth:grant-type:apikey").add("apikey", api_key_);
    return form;
  }
  char const* remedy() const override {
    return "check the API key of this provider and that its account is in order";
  }

 private:
  Secret api_key_;
};

class ComputeResourceGrant final : public Grant {
 public:
  explicit ComputeResourceGrant(TrustedProfile profile) : profile_(std::move(profile)) {}
  Result<TokenForm> form() const override {
    auto const token = read_secret_file(token_file(), CredentialShape::projected_token);
    if (!token) return std::unexpected(token.error());
    TokenForm form;
    form.add("grant_type", "urn:ibm:params:oauth:grant-type:cr-token").add("cr_token", *token);
    if (profile_.id.empty()) {
      form.add("profile_name", profile_.name);
    } else {
      form.add("profile_id", profile_.id);
    }
    return form;
  }
  char const* remedy() const override {
    return "check that the trusted profile is there and that its conditions let this compute resource in";
  }

 private:
  /// Where none is there, the first: the error of reading it names it.
  std::filesystem::path token_file() const {
    auto const is_there = [](std::filesystem::path const& file) {
      std::error_code unknown;
      return std::filesystem::exists(file, unknown);
    };
    auto const found = std::ranges::find_if(profile_.token_files, is_there);
    return found == profile_.token_files.end() ? profile_.token_files.front() : *found;
  }

  TrustedProfile profile_;
};

class IamIssuer final : public TokenIssuer {
 public:
  IamIssuer(ApiClient& api, Clock& clock, Endpoint iam, std::unique_ptr<Grant> grant)
      : api_(api), clock_(clock), iam_(std::move(iam)), grant_(std::move(grant)) {}

  asio::awaitable<Result<IssuedToken>> issue(TokenWish, Clock::Mono deadline) override {
    auto form = grant_->form();
    if (!form) co_return std::unexpected(std::move(form.error()));
    auto request = token_request(iam_, "/identity/token", *std::move(form));
    auto const where = where_of(request);
    auto const response = co_await api_.call(std::move(request), Repeatable::yes, deadline);
    if (!response) co_return std::unexpected(response.error());
    if (response->status != 200) {
      co_return std::unexpected(ibm_iam_error(*response, where, grant_->remedy()));
    }
    co_return read_token(*response, clock_.wall_now(), where);
  }

 private:
  ApiClient& api_;
  Clock& clock_;
  Endpoint iam_;
  std::unique_ptr<Grant> grant_;
};

std::unique_ptr<CredentialSource> make_source(ApiClient& api, Clock& clock, Endpoint iam,
                                              std::unique_ptr<Grant> grant) {
  auto issuer = std::make_unique<IamIssuer>(api, clock, std::move(iam), std::move(grant));
  return for_any_audience(make_token_cache(clock, std::move(issuer), ibm_times));
}

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

constexpr char unknown_api_key[] = "BXNIM0415E";

void explain(Error& error, json::object const& body) {
  error.code = error_text(body, "errorCode");
  auto const message = error_text(body, "errorMessage");
  if (!message.empty()) error.what = fmt::format("IBM IAM gives no token: {}", message);
  auto const* const context = body.if_contains("context");
  if (context == nullptr || !context->is_object()) return;
  if (auto id = error_text(context->get_object(), "requestId"); !id.empty()) error.request_id = std::move(id);
}

}  // namespace

Error ibm_iam_error(HttpResponse const& response, std::string where, char const* remedy) {
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
    error.remedy = error.code == unknown_api_key
                       ? "the API key does not exist (any more): make a new one and replace the credential"
                       : remedy;
  }
  return error;
}

std::unique_ptr<CredentialSource> for_any_audience(std::unique_ptr<CredentialSource> cache) {
  return std::make_unique<AnyAudience>(std::move(cache));
}

std::unique_ptr<CredentialSource> make_ibm_iam_api_key(ApiClient& api, Clock& clock, Endpoint iam,
                                                       Secret api_key) {
  return make_source(api, clock, std::move(iam), std::make_unique<ApiKeyGrant>(std::move(api_key)));
}

std::vector<std::filesystem::path> usual_compute_token_files() {
  return {"/var/run/secrets/tokens/vault-token", "/var/run/secrets/tokens/sa-token",
          "/var/run/secrets/codeengine.cloud.ibm.com/compute-resource-token/token"};
}

std::unique_ptr<CredentialSource> make_ibm_trusted_profile(ApiClient& api, Clock& clock, Endpoint iam,
                                                           TrustedProfile profile) {
  if (profile.token_files.empty()) profile.token_files = usual_compute_token_files();
  return make_source(api, clock, std::move(iam), std::make_unique<ComputeResourceGrant>(std::move(profile)));
}

}  // namespace rekeyd::providers
