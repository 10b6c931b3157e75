#include "providers/azure/azure_error.hpp"

#include "providers/http/api_client.hpp"
#include "providers/json_answer.hpp"

#include <fmt/format.h>

#include <utility>

namespace rekeyd::providers::azure {

namespace {

struct ErrorWords {
  std::string code;   // the innermost: what a person searches for
  std::string outer;  // "Forbidden", "Conflict"
  std::string message;
};

ErrorWords read_words(std::string_view body) {
  ErrorWords words;
  JsonAnswer answer(body);
  JsonObject const error = answer.root().object_if("error");
  words.outer = error.text_if("code");
  words.code = words.outer;
  words.message = body_excerpt(error.text_if("message"));
  // Recursive and nullable; eight levels are more than any service nests and end a hostile chain.
  JsonObject inner = error.object_if("innererror");
  for (int level = 0; level < 8 && inner.present(); ++level) {
    if (auto code = inner.text_if("code"); !code.empty()) words.code = std::move(code);
    inner = inner.object_if("innererror");
  }
  if (words.code.empty()) words.message = body_excerpt(body);
  words.code = body_excerpt(words.code);
  return words;
}

struct Meaning {
  ErrorClass error_class;
  std::string remedy;
};

Meaning meaning_of_403(std::string const& code, AzureTraits const& traits) {
  if (code == "KeyDisabled") {
    return {ErrorClass::conflict, "enable the key version, or find out who disabled it"};
  }
  if (code == "KeyOperationForbidden") {
    return {ErrorClass::permanent, "the key's operations (key_ops) leave this one out: add it to the key"};
  }
  if (code == "ForbiddenByFirewall" || code == "ForbiddenByConnection") {
    return {ErrorClass::access,
            "let this host through the network rules, or reach the service by its private endpoint"};
  }
  return {
      ErrorClass::access,
      fmt::format("grant rekeyd's identity the role {} (an access policy: the permission that the message "
                  "names); a new grant takes up to 10 minutes to work",
                  traits.role_to_rotate)};
}

Meaning meaning_of_409(std::string const& code) {
  if (code == "ObjectIsDeletedButRecoverable") {
    return {ErrorClass::permanent,
            "the key is soft-deleted: recover it, or purge it if that is what is wanted"};
  }
  // ObjectIsBeingDeleted, ObjectIsBeingRecovered, ConflictError: another operation is under way and ends
  // soon.
  return {ErrorClass::transient, ""};
}

Meaning meaning_of(unsigned status, std::string const& code, AzureTraits const& traits) {
  switch (status) {
    case 401:
      return {
          ErrorClass::access,
          "the service refuses the token: check tenant, client id and secret, and that the vault belongs to "
          "that tenant"};
    case 403:
      return meaning_of_403(code, traits);
    case 404:
      return {ErrorClass::not_found, "check the key's name; a deleted key may be recoverable"};
    case 405:
      return {ErrorClass::permanent, "this service does not know the call: check the provider's kind"};
    case 409:
      return meaning_of_409(code);
    case 408:
    case 429:
      return {ErrorClass::transient, ""};
    case 501:
      return {ErrorClass::permanent, "this service does not know the call: check the provider's kind"};
    default:
      break;
  }
  if (status >= 500) return {ErrorClass::transient, ""};
  if (status >= 400) return {ErrorClass::permanent, ""};
  return {ErrorClass::malformed,
          "the keys API never redirects and answers 200: check that the address is the vault's own"};
}

}  // namespace

Error azure_error(HttpResponse const& response, AzureTraits const& traits, std::string where, Instant now) {
  // A 401's body is empty or the word OK at Managed HSM, and its wording is for nobody: the header tells.
  ErrorWords const words = read_words(response.body);
  Meaning meaning = meaning_of(response.status, words.code, traits);
  Error error;
  error.error_class = meaning.error_class;
  bool const told_nothing =
      response.status == 408 || (response.status >= 500 && response.status != 501) || response.status < 400;
  error.delivery = told_nothing ? Delivery::maybe_applied : Delivery::refused;
  error.what = words.message.empty() ? fmt::format("{} answered HTTP {}", traits.service, response.status)
                                     : fmt::format("{}: {}", traits.service, words.message);
  error.where = std::move(where);
  error.code = words.code;
  error.request_id = body_excerpt(response.header("x-ms-request-id"));
  error.remedy = std::move(meaning.remedy);
  error.http_status = response.status;
  error.retry_after = parse_retry_after(response.header("retry-after"), now);
  return error;
}

Error refusal(std::string what, std::string remedy, std::string where, ErrorClass error_class) {
  Error error;
  error.error_class = error_class;
  error.delivery = Delivery::not_sent;
  error.what = std::move(what);
  error.where = std::move(where);
  error.remedy = std::move(remedy);
  return error;
}

}  // namespace rekeyd::providers::azure
