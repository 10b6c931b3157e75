#include "providers/auth/entra_error.hpp"

#include "providers/auth/token_request.hpp"
#include "providers/json.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace rekeyd::providers {
namespace {

namespace json = boost::json;

// Entra's error codes that a person can do something about
// (https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes).
struct KnownCode {
  std::int64_t code;
  ErrorClass error_class;
  char const* remedy;
};
constexpr char const* mend_clock =
    "set this machine's clock if it is wrong; with a token file, see why nobody renews it";
constexpr char const* mend_federation =
    "match the application's federated credential to the token's issuer, subject and audience; a new one may "
    "take minutes to work";
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
    KnownCode{
        50012, ErrorClass::access,
        "the assertion's signature or certificate does not fit the application: register the certificate "
        "that the file holds"},
    KnownCode{700027, ErrorClass::access,
              "register the certificate with the application; a new one may take minutes to work"},
    KnownCode{1000502, ErrorClass::access,
              "the certificate has expired: register a new one and replace the credential"},
    KnownCode{700023, ErrorClass::access,
              "the assertion is made out to another authority: check tenant and authority"},
    KnownCode{500133, ErrorClass::access, mend_clock},
    KnownCode{700024, ErrorClass::access, mend_clock},
    KnownCode{70021, ErrorClass::access, mend_federation},
    KnownCode{700211, ErrorClass::access, mend_federation},
    KnownCode{700212, ErrorClass::access, mend_federation},
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
constexpr char const* mend_anything = "check tenant, client_id and the credential of this provider";

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

}  // namespace rekeyd::providers
