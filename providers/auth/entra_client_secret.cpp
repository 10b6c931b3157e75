#include "providers/auth/entra_client_secret.hpp"

#include "providers/auth/token_request.hpp"
#include "providers/encoding.hpp"
#include "providers/http/wire_request.hpp"
#include "providers/json.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace rekeyd::providers {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

// Entra's error codes that a person can do something about
// (https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes).
struct KnownCode {
  std::int64_t code;
  ErrorClass error_class;
  char const* remedy;
};
constexpr char const* mend_clock = "set this machine's clock: it disagrees with Entra's";
constexpr char const* mend_federation =
    "match the federated credential's issuer, subject and audience to the token's";
constexpr std::array known_codes{
    KnownCode{7000215, ErrorClass::access,
              "the client secret is wrong: store the secret's value, not its id; a new secret may take "
              "minutes to work"},
    KnownCode{7000222, ErrorClass::access,
              "the client secret has expired: make a new one and replace the credential"},
    KnownCode{7000218, ErrorClass::access,
              "the credential file seems to be empty: put the client secret into it"},
    KnownCode{7000112, ErrorClass::access, "the application is disabled: enable it in Entra ID"},
    KnownCode{700016, ErrorClass::access,
              "the application is not in this tenant: check client_id and tenant, or grant consent"},
    KnownCode{90002, ErrorClass::access, "the tenant is not known: check tenant and authority"},
    KnownCode{900382, ErrorClass::access, "tenant and authority belong to different clouds: check authority"},
    KnownCode{900432, ErrorClass::access, "tenant and authority belong to different clouds: check authority"},
    KnownCode{50012, ErrorClass::access,
              "the assertion's signature or certificate does not fit the application"},
    KnownCode{700027, ErrorClass::access, "register the certificate with the application"},
    KnownCode{500133, ErrorClass::access, mend_clock},
    KnownCode{700024, ErrorClass::access, mend_clock},
    KnownCode{70021, ErrorClass::access, mend_federation},
    KnownCode{700213, ErrorClass::access, mend_federation},
    KnownCode{7002131, ErrorClass::access, mend_federation},
    KnownCode{70011, ErrorClass::access, "the scope is wrong: check the cloud's settings of this provider"},
    KnownCode{700022, ErrorClass::access, "the scope names several resources: check the provider's settings"},
    KnownCode{50001, ErrorClass::access,
              "the service is not registered in this tenant: check tenant and cloud"},
    KnownCode{500011, ErrorClass::access,
              "the service is not registered in this tenant: check tenant and cloud"},
    KnownCode{530032, ErrorClass::access, "a conditional-access policy blocks the application: exempt it"},
    KnownCode{50034, ErrorClass::access, "the identity does not exist in this tenant"},
    KnownCode{90006, ErrorClass::transient, ""},
    KnownCode{90012, ErrorClass::transient, ""},
    KnownCode{90024, ErrorClass::transient, ""},
    KnownCode{90033, ErrorClass::transient, ""},
    KnownCode{90055, ErrorClass::transient, "the tenant is throttled"},
};
constexpr char const* mend_anything = "check tenant, client_id and the client secret of this provider";

KnownCode const* find_known(json::object const& body) {
  auto const* const codes = body.if_contains("error_codes");
  if (codes == nullptr || !codes->is_array()) return nullptr;
  for (auto const& code : codes->get_array()) {
    auto const* const number = code.if_int64();
    if (number == nullptr) continue;
    auto const* const found = std::ranges::find(known_codes, *number, &KnownCode::code);
    if (found != known_codes.end()) return found;
  }
  return nullptr;
}

std::string code_text(json::object const& body) {
  auto const* const codes = body.if_contains("error_codes");
  if (codes != nullptr && codes->is_array() && !codes->get_array().empty()) {
    if (auto const* number = codes->get_array()[0].if_int64()) return fmt::format("AADSTS{}", *number);
  }
  return error_text(body, "error");
}

bool is_passing(unsigned status) {
  return status == 429 || status == 408 || (status >= 500 && status != 501);
}

void explain(Error& error, json::object const& body) {
  error.code = code_text(body);
  if (auto trace = error_text(body, "trace_id"); !trace.empty()) error.request_id = std::move(trace);
  auto const description = error_text(body, "error_description");
  if (!description.empty()) error.what = fmt::format("Entra ID gives no token: {}", description);
  if (auto const* known = find_known(body)) {
    error.error_class = known->error_class;
    error.remedy = known->remedy;
  } else if (error_text(body, "error") == "temporarily_unavailable") {
    error.error_class = ErrorClass::transient;
    error.remedy.clear();
  }
}

class EntraIssuer final : public TokenIssuer {
 public:
  EntraIssuer(ApiClient& api, Clock& clock, EntraIdentity identity)
      : api_(api), clock_(clock), identity_(std::move(identity)) {}

  asio::awaitable<Result<IssuedToken>> issue(std::string audience, Clock::Mono deadline) override {
    auto request = request_for(std::move(audience));
    auto const where = where_of(request);
    auto const response = co_await api_.call(std::move(request), Repeatable::yes, deadline);
    if (!response) co_return std::unexpected(response.error());
    if (response->status != 200) co_return std::unexpected(entra_error(*response, where));
    co_return read_token(*response, clock_.wall_now(), where);
  }

 private:
  HttpRequest request_for(std::string audience) const {
    constexpr std::string_view all_of_it = "/.default";
    if (audience.ends_with('/')) audience.pop_back();
    if (!audience.ends_with(all_of_it)) audience += all_of_it;
    TokenForm form;
    form.add("client_id", identity_.client_id).add("client_secret", identity_.client_secret);
    form.add("grant_type", "client_credentials").add("scope", audience);
    auto target = fmt::format("/{}/oauth2/v2.0/token", percent_encode(identity_.tenant));
    return token_request(identity_.authority, std::move(target), std::move(form));
  }

  ApiClient& api_;
  Clock& clock_;
  EntraIdentity identity_;
};

}  // namespace

Error entra_error(HttpResponse const& response, std::string where) {
  Error error;
  error.where = std::move(where);
  error.http_status = response.status;
  error.request_id = response.header("x-ms-request-id");
  bool const passing = is_passing(response.status);
  error.error_class = passing ? ErrorClass::transient : ErrorClass::access;
  error.remedy = passing ? "" : mend_anything;
  error.what = "Entra ID gives no token";
  auto const parsed = parse_wiping(response.body, error.where);
  if (parsed && parsed->is_object()) {
    explain(error, parsed->get_object());
  } else if (!passing) {
    error.error_class = ErrorClass::malformed;
    error.what = parsed ? "the answer is not a token endpoint's" : parsed.error().what;
    error.remedy = "check the authority: something else answers there";
  }
  // A status that says "later" outweighs any text.
  if (passing) error.error_class = ErrorClass::transient;
  return error;
}

std::unique_ptr<CredentialSource> make_entra_client_secret(ApiClient& api, Clock& clock,
                                                           EntraIdentity identity) {
  return make_token_cache(clock, std::make_unique<EntraIssuer>(api, clock, std::move(identity)), entra_times);
}

}  // namespace rekeyd::providers
