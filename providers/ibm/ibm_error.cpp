#include "providers/ibm/ibm_error.hpp"

#include "providers/http/api_client.hpp"
#include "providers/json_answer.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rekeyd::providers::ibm {

namespace {

struct ErrorWords {
  std::string code;
  std::string message;
  bool json{false};
};

std::string trimmed(std::string_view text) {
  auto const first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return body_excerpt(text.substr(first));
}

ErrorWords read_words(std::string_view body) {
  ErrorWords words;
  JsonAnswer answer(body);
  words.json = answer.sound();
  auto const resources = answer.root().objects_if("resources");
  if (!resources.empty()) {
    words.message = trimmed(resources.front().text_if("errorMsg"));
    auto const reasons = resources.front().objects_if("reasons");
    if (!reasons.empty()) {
      words.code = trimmed(reasons.front().text_if("code"));
      // The reason is the sentence; errorMsg only says that there are reasons.
      if (auto reason = trimmed(reasons.front().text_if("message")); !reason.empty()) words.message = reason;
    }
  }
  if (words.message.empty() && !words.json) words.message = body_excerpt(body);
  return words;
}

/// "Sync cannot be performed until at least 2026-05-01T01:02:03Z": how long that is from now. Nowhere else
/// does the service say it.
std::optional<std::chrono::seconds> wait_named_in(std::string_view message, Instant now) {
  constexpr auto longest = std::chrono::hours(24);
  auto const word = message.substr(message.find_last_of(' ') + 1);
  auto const instant = parse_rfc3339(word.substr(0, word.find_last_not_of('.') + 1));
  if (!instant) return std::nullopt;
  return std::clamp<std::chrono::seconds>(*instant - now, std::chrono::seconds(0), longest);
}

struct Meaning {
  ErrorClass error_class;
  std::string remedy;
};

Meaning meaning_of_5xx(HttpResponse const& response, ErrorWords const& words, IbmFlavour const& flavour) {
  if (response.status == 501) return {ErrorClass::permanent, "check the provider's kind and address"};
  // Before its crypto units are initialised a single-tenant instance answers with a proxy's plain text.
  bool const not_ready = response.status == 503 && !words.json && flavour.not_ready_remedy != nullptr;
  return {ErrorClass::transient, not_ready ? flavour.not_ready_remedy : ""};
}

Meaning meaning_of(HttpResponse const& response, ErrorWords const& words, IbmFlavour const& flavour) {
  switch (response.status) {
    case 401:
      return {
          ErrorClass::access,
          "a 401 stands for four things here: the API key's identity has no access to this instance; the "
          "instance's id or region is wrong; the instance takes only private endpoints; its IP policy leaves "
          "this host out"};
    case 403:
      return {ErrorClass::access, "grant rekeyd's service ID the role Writer on the instance"};
    case 404:
      return {ErrorClass::not_found, "check the key's id, the instance and the key ring"};
    case 408:
    case 429:
      return {ErrorClass::transient, ""};
    case 409:
      return {words.code == "REQ_TOO_EARLY_ERR" ? ErrorClass::transient : ErrorClass::conflict, ""};
    case 410:
      return {ErrorClass::permanent, "the key is deleted: restore it within 30 days if it is needed"};
    case 422:
      return {
          ErrorClass::permanent,
          "the wrapped DEK does not belong to this key, or its additional data is not what it was wrapped "
          "with, in that order"};
    default:
      break;
  }
  if (response.status >= 500) return meaning_of_5xx(response, words, flavour);
  if (response.status >= 400) {
    bool const instance = words.code.empty() || words.code == "BEARER_SUB_EXTRACTION_ERR";
    return {ErrorClass::permanent,
            instance ? "check the configured instance id: it is the GUID of the service instance, not its CRN"
                     : ""};
  }
  return {ErrorClass::malformed, "check that the address is the service's own"};
}

}  // namespace

Error ibm_error(HttpResponse const& response, IbmFlavour const& flavour, std::string where, Instant now) {
  ErrorWords words = read_words(response.body);
  Meaning meaning = meaning_of(response, words, flavour);
  Error error;
  error.error_class = meaning.error_class;
  bool const told_nothing =
      response.status == 408 || (response.status >= 500 && response.status != 501) || response.status < 400;
  error.delivery = told_nothing ? Delivery::maybe_applied : Delivery::refused;
  error.what = words.message.empty() ? fmt::format("{} answered HTTP {}", flavour.service, response.status)
                                     : fmt::format("{}: {}", flavour.service, words.message);
  error.where = std::move(where);
  error.code = std::move(words.code);
  error.request_id = body_excerpt(response.header("correlation-id"));
  error.remedy = std::move(meaning.remedy);
  error.http_status = response.status;
  error.retry_after = parse_retry_after(response.header("retry-after"), now);
  bool const too_early = error.code == "REQ_TOO_EARLY_ERR" && !error.retry_after;
  if (too_early) error.retry_after = wait_named_in(words.message, now);
  return error;
}

}  // namespace rekeyd::providers::ibm
