#include "tests/simulator/ibm/refusal.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace rekeyd::sim::ibm {

namespace json = boost::json;

namespace {

constexpr auto more_info = "https://cloud.ibm.com/apidocs/key-protect";

std::string_view phrase(unsigned status) {
  switch (status) {
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 422:
      return "Unprocessable Entity";
    case 429:
      return "Too Many Requests";
    case 503:
      return "Service Unavailable";
    default:
      return "Internal Server Error";
  }
}

json::array reasons(Refusal const& refusal, Oddities const& oddities) {
  json::object reason{{"code", (oddities.code_with_leading_blank ? " " : "") + refusal.code},
                      {"message", refusal.message},
                      {"moreInfo", more_info}};
  if (!oddities.reason_status_missing) reason["status"] = refusal.status;
  if (refusal.target) reason["target"] = {{"type", refusal.target->type}, {"name", refusal.target->name}};
  return {std::move(reason)};
}

Answer error_answer(unsigned status, json::object resource) {
  json::object body{
      {"metadata", {{"collectionType", "application/vnd.ibm.kms.error+json"}, {"collectionTotal", 1}}},
      {"resources", json::array{std::move(resource)}}};
  return {status, {{"Content-Type", "application/json; charset=utf-8"}}, json::serialize(body)};
}

}  // namespace

std::unexpected<Refusal> refuse(unsigned status, std::string code, std::string message) {
  return std::unexpected(Refusal{status, std::move(code), std::move(message), {}});
}

std::unexpected<Refusal> refuse_field(std::string field, std::string message) {
  return std::unexpected(
      Refusal{400, "INVALID_FIELD_ERR", std::move(message), Refusal::Target{"field", std::move(field)}});
}

std::unexpected<Refusal> refuse_query(std::string parameter, std::string message) {
  return std::unexpected(Refusal{400, "INVALID_QUERY_PARAM_ERR", std::move(message),
                                 Refusal::Target{"query_param", std::move(parameter)}});
}

std::unexpected<Refusal> refuse_body(std::string message) {
  return refuse(400, "BAD_BODY_ERR", std::move(message));
}

std::unexpected<Refusal> refuse_unknown_key() {
  return refuse(404, "KEY_NOT_FOUND_ERR", "Key does not exist: Please verify that the key exists");
}

std::unexpected<Refusal> refuse_standard_key() {
  return refuse(400, "KEY_ROOT_REQ_ERR", "Requested action can only be completed with a root key.");
}

std::unexpected<Refusal> refuse_state() {
  return refuse(409, "KEY_ACTION_INVALID_STATE_ERR", "Key is not in a valid state");
}

std::unexpected<Refusal> refuse_deleted_key() {
  return refuse(410, "KEY_DELETED_ERR",
                "Key has already been deleted: Please delete references to this key.");
}

std::unexpected<Refusal> refuse_until(std::string message) {
  return refuse(409, "REQ_TOO_EARLY_ERR", std::move(message));
}

Answer to_answer(Refusal const& refusal, std::string_view subject, Oddities const& oddities) {
  bool const with_reasons = !refusal.code.empty() && !oddities.reasons_missing;
  json::object resource;
  if (with_reasons) {
    resource["errorMsg"] = fmt::format("{}: {}: Please see 'reasons' for more details ({})",
                                       phrase(refusal.status), subject, refusal.code);
    resource["reasons"] = reasons(refusal, oddities);
  } else {
    resource["errorMsg"] = fmt::format("{}: {}: {}", phrase(refusal.status), subject, refusal.message);
  }
  return error_answer(refusal.status, std::move(resource));
}

Answer unauthorized() {
  return error_answer(
      401, {{"errorMsg", "Unauthorized: The user does not have access to the specified resource"}});
}

}  // namespace rekeyd::sim::ibm
