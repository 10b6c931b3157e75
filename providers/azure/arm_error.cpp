#include "providers/azure/arm_error.hpp"

#include "providers/http/api_client.hpp"

#include <fmt/format.h>

namespace rekeyd::providers::azure {

namespace {

struct Words {
  std::string code;
  std::string message;
};

Words words_of(JsonObject const& error) {
  Words words{body_excerpt(error.text_if("code")), body_excerpt(error.text_if("message"))};
  // The detail names what the outer code only classes: OperationNotAllowed, in it TooManyRequests.
  for (JsonObject const& detail : error.objects_if("details")) {
    if (!detail.present()) continue;
    auto const code = body_excerpt(detail.text_if("code"));
    auto const message = body_excerpt(detail.text_if("message"));
    if (!code.empty() && code != words.code) words.message += fmt::format("; {}: {}", code, message);
  }
  return words;
}

Words read_words(std::string_view body) {
  JsonAnswer answer(body);
  JsonDefect ignored;
  JsonObject const root = answer.root_reporting_to(ignored);
  JsonObject const wrapped = root.object_if("error");
  Words words = words_of(wrapped.present() ? wrapped : root);
  if (words.code.empty() && words.message.empty()) words.message = body_excerpt(body);
  return words;
}

struct Meaning {
  ErrorClass error_class;
  char const* remedy;
};

struct Rule {
  std::string_view code;
  Meaning meaning;
};

// Codes that say more than their status. Sources: ARM's common deployment errors, Compute's REST reference.
constexpr Rule rules[] = {
    {"ScopeLocked",
     {ErrorClass::access,
      "a management lock forbids the change: remove the lock, or move the resource out from "
      "under it, then let rekeyd try again"}},
    {"AuthorizationFailed",
     {ErrorClass::access,
      "grant rekeyd's identity the role that docs/resources.md lists, at this scope; a new "
      "grant takes up to 10 minutes to work"}},
    {"NoRegisteredProviderFound",
     {ErrorClass::permanent, "this cloud does not know the API version: set another one in rekeyd.yaml"}},
    {"SubscriptionNotFound",
     {ErrorClass::permanent,
      "check the subscription's id in rekeyd.yaml, and that it belongs to the "
      "identity's tenant"}},
    {"ResourceGroupNotFound", {ErrorClass::not_found, "check the resource group's name in rekeyd.yaml"}},
    {"AllocationFailed",
     {ErrorClass::transient, "Azure has no capacity for the machine now; it is tried again"}},
    {"OverconstrainedAllocationRequest",
     {ErrorClass::transient, "Azure has no capacity for the machine now; it is tried again"}},
    {"SkuNotAvailable",
     {ErrorClass::transient, "Azure has no capacity for the machine's size now; it is tried again"}},
};

Meaning meaning_of_status(unsigned status) {
  switch (status) {
    case 401:
      return {ErrorClass::access, "Azure Resource Manager refuses the token: check tenant and client id"};
    case 403:
      return {ErrorClass::access,
              "grant rekeyd's identity the role that docs/resources.md lists, at this scope; a new grant "
              "takes up to "
              "10 minutes to work"};
    case 404:
      return {ErrorClass::not_found, "check that the resource still exists"};
    case 409:
    case 412:
      return {ErrorClass::conflict,
              "something else is changing the resource, or it is in the wrong state for this"};
    case 408:
    case 429:
      return {ErrorClass::transient, ""};
    default:
      break;
  }
  if (status >= 500 && status != 501) return {ErrorClass::transient, ""};
  if (status >= 400) return {ErrorClass::permanent, ""};
  return {ErrorClass::malformed, "check that the address is Azure Resource Manager's own"};
}

Meaning meaning_of(unsigned status, std::string_view code) {
  for (Rule const& rule : rules) {
    if (rule.code == code) return rule.meaning;
  }
  return meaning_of_status(status);
}

Error error_of(unsigned status, Words const& words, HttpResponse const& response, std::string where) {
  Meaning const meaning = meaning_of(status, words.code);
  Error error;
  error.error_class = meaning.error_class;
  error.what = words.message.empty() ? fmt::format("Azure Resource Manager answered HTTP {}", response.status)
                                     : fmt::format("Azure Resource Manager: {}", words.message);
  error.where = std::move(where);
  error.code = words.code;
  error.request_id = arm_request_ids(response);
  error.remedy = meaning.remedy;
  error.http_status = response.status;
  return error;
}

}  // namespace

std::string arm_request_ids(HttpResponse const& response) {
  auto id = body_excerpt(response.header("x-ms-request-id"));
  auto const correlation = body_excerpt(response.header("x-ms-correlation-request-id"));
  if (correlation.empty() || correlation == id) return id;
  return id.empty() ? correlation : fmt::format("{} (correlation {})", id, correlation);
}

Error arm_error(HttpResponse const& response, std::string where, Instant now) {
  Error error = error_of(response.status, read_words(response.body), response, std::move(where));
  bool const told_nothing =
      response.status == 408 || (response.status >= 500 && response.status != 501) || response.status < 400;
  error.delivery = told_nothing ? Delivery::maybe_applied : Delivery::refused;
  error.retry_after = parse_retry_after(response.header("retry-after"), now);
  return error;
}

// The operation ended: nothing more will come of it. What its code does not tell is taken for the state's
// fault, so that the state is read again.
Error arm_operation_error(JsonObject const& failure, HttpResponse const& response, std::string where) {
  Words words = words_of(failure);
  if (words.message.empty()) words.message = "the operation failed and says no more";
  return error_of(409, words, response, std::move(where));
}

}  // namespace rekeyd::providers::azure
