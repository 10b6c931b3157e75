#include "providers/auth/ibm_instance_identity.hpp"

#include "providers/auth/ibm_iam.hpp"
#include "providers/auth/token_request.hpp"
#include "providers/http/wire_request.hpp"
#include "providers/json.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace rekeyd::providers {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

constexpr char version_query[] = "?version=2022-03-01";
/// Good for the one request that follows.
constexpr char identity_token_body[] = R"({"expires_in":300})";

/// {"errors":[{"code":"..","message":".."}],"trace":".."}
void explain(Error& error, json::object const& body) {
  error.request_id = error_text(body, "trace");
  auto const* const errors = body.if_contains("errors");
  auto const* const list = errors == nullptr ? nullptr : errors->if_array();
  auto const* const first = list == nullptr || list->empty() ? nullptr : list->front().if_object();
  if (first == nullptr) return;
  error.code = error_text(*first, "code");
  auto const message = error_text(*first, "message");
  if (!message.empty()) error.what = fmt::format("the instance's identity gives no token: {}", message);
}

Error refusal(HttpResponse const& response, std::string where) {
  Error error;
  error.where = std::move(where);
  error.http_status = response.status;
  error.what = "the instance's identity gives no token";
  bool const passing = response.status == 408 || response.status == 429 || response.status >= 500;
  error.error_class = passing ? ErrorClass::transient : ErrorClass::access;
  auto const parsed = parse_wiping(response.body, error.where);
  if (parsed && parsed->is_object()) {
    explain(error, parsed->get_object());
  } else if (!passing) {
    error.error_class = ErrorClass::malformed;
    error.what = parsed ? "the answer is not a metadata service's" : parsed.error().what;
    error.remedy = "something else answers there: no proxy may stand in between";
    return error;
  }
  if (!passing) {
    error.remedy =
        "switch the instance's metadata service on, link a trusted profile to the instance, and check which "
        "one "
        "this provider names";
  }
  return error;
}

Error nobody_there(Error cause) {
  if (cause.error_class != ErrorClass::transient) return cause;
  cause.what = "the instance's metadata service does not answer: " + cause.what;
  cause.remedy =
      "it is there on a VPC virtual server instance only, and only if it is switched on; where it is set to "
      "secure access, say `secure: true`";
  return cause;
}

class InstanceIssuer final : public TokenIssuer {
 public:
  InstanceIssuer(ApiClient& api, Clock& clock, VpcInstance instance)
      : api_(api), clock_(clock), instance_(std::move(instance)) {}

  asio::awaitable<Result<IssuedToken>> issue(TokenWish, Clock::Mono deadline) override {
    HttpRequest own = request("PUT", "/instance_identity/v1/token", identity_token_body);
    own.headers.emplace_back("Metadata-Flavor", "ibm");
    auto const identity = co_await ask(std::move(own), deadline);
    if (!identity) co_return std::unexpected(nobody_there(identity.error()));
    HttpRequest iam = request("POST", "/instance_identity/v1/iam_token", profile_body());
    std::string bearer = "Bearer ";
    bearer += identity->bearer.reveal();
    iam.headers.emplace_back("Authorization", std::move(bearer));
    auto issued = co_await ask(std::move(iam), deadline);
    co_return issued;
  }

 private:
  HttpRequest request(char const* method, char const* path, std::string_view body) const {
    HttpRequest made;
    made.method = method;
    made.endpoint = instance_.secure ? Endpoint{"api.metadata.cloud.ibm.com", "443", true}
                                     : Endpoint{"169.254.169.254", "80", false};
    made.target = std::string(path) + version_query;
    made.headers = {{"Accept", "application/json"}, {"Content-Type", "application/json"}};
    made.body.assign(body);
    return made;
  }

  std::string profile_body() const {
    if (instance_.profile.empty()) return "{}";
    char const* const member = instance_.profile.starts_with("crn:") ? "crn" : "id";
    return json::serialize(json::object{{"trusted_profile", json::object{{member, instance_.profile}}}});
  }

  asio::awaitable<Result<IssuedToken>> ask(HttpRequest request, Clock::Mono deadline) {
    auto const where = where_of(request);
    auto const response = co_await api_.call(std::move(request), Repeatable::yes, deadline);
    if (!response) co_return std::unexpected(response.error());
    bool const given = response->status == 200 || response->status == 201;
    if (!given) co_return std::unexpected(refusal(*response, where));
    co_return read_token(*response, clock_.wall_now(), where);
  }

  ApiClient& api_;
  Clock& clock_;
  VpcInstance instance_;
};

}  // namespace

std::unique_ptr<CredentialSource> make_ibm_instance_identity(ApiClient& api, Clock& clock,
                                                             VpcInstance instance) {
  auto issuer = std::make_unique<InstanceIssuer>(api, clock, std::move(instance));
  return for_any_audience(make_token_cache(clock, std::move(issuer), ibm_times));
}

}  // namespace rekeyd::providers
