#include "providers/auth/managed_identity_error.hpp"

#include "providers/auth/token_request.hpp"
#include "providers/json.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace rekeyd::providers {
namespace {

namespace json = boost::json;

bool is_passing(unsigned status) {
  return status == 404 || status == 408 || status == 410 || status == 429 || status >= 500;
}

char const* remedy_for(unsigned status, std::string const& code) {
  if (code == "invalid_resource") return "the resource is not known there: check the cloud of this provider";
  if (status == 401 || status == 403)
    return "the token service does not let rekeyd in: check how it is started and what it may read";
  return "assign the managed identity to this machine, and check which one this provider names";
}

void explain(Error& error, json::object const& body) {
  error.code = error_text(body, "error");
  auto text = error_text(body, "error_description");
  if (text.empty()) text = error_text(body, "message");
  if (!text.empty()) error.what = fmt::format("the managed identity gives no token: {}", text);
}

}  // namespace

Error managed_identity_error(HttpResponse const& response, std::string where) {
  Error error;
  error.where = std::move(where);
  error.http_status = response.status;
  error.request_id = response.header("x-ms-request-id");
  error.what = "the managed identity gives no token";
  error.error_class = is_passing(response.status) ? ErrorClass::transient : ErrorClass::access;
  auto const parsed = parse_wiping(response.body, error.where);
  if (parsed && parsed->is_object()) {
    explain(error, parsed->get_object());
  } else if (error.error_class == ErrorClass::access) {
    error.error_class = ErrorClass::malformed;
    error.what = parsed ? "the answer is not a token service's" : parsed.error().what;
    error.remedy = "something else answers there: no proxy may stand in between";
    return error;
  }
  if (error.error_class == ErrorClass::access) error.remedy = remedy_for(response.status, error.code);
  return error;
}

Error no_instance_service(Error cause) {
  if (cause.error_class != ErrorClass::transient) return cause;
  cause.what = "the instance metadata service does not answer: " + cause.what;
  cause.remedy =
      "a managed identity is there on an Azure machine only; no firewall may keep rekeyd from "
      "169.254.169.254";
  return cause;
}

}  // namespace rekeyd::providers
