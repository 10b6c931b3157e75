#include "tests/simulator/azure/arm/refusals.hpp"

#include "tests/simulator/message.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace rekeyd::sim::azure::arm {

namespace json = boost::json;

Answer refused(unsigned status, std::string_view code, std::string_view message) {
  return json_answer(status, {{"error", {{"code", code}, {"message", message}}}});
}

Answer refused_at_gateway(unsigned status, std::string_view code, std::string_view message) {
  auto answer = refused(status, code, message);
  answer.headers.emplace_back("x-ms-failure-cause", "gateway");
  return answer;
}

Answer refused(Objection const& objection) {
  return refused(objection.status, objection.fault.code, objection.fault.message);
}

Answer no_resource(std::string_view type, std::string_view name, std::string_view group) {
  return refused_at_gateway(
      404, "ResourceNotFound",
      fmt::format(
          "The Resource '{}/{}' under resource group '{}' was not found. For more details please go to "
          "https://aka.ms/ARMResourceNotFoundFix",
          type, name, group));
}

Answer no_group(std::string_view group) {
  return refused_at_gateway(404, "ResourceGroupNotFound",
                            fmt::format("Resource group '{}' could not be found.", group));
}

Answer no_route(std::string_view method) {
  return refused_at_gateway(405, "HttpMethodNotSupported",
                            fmt::format("The HTTP method '{}' is not supported at this resource.", method));
}

Answer bad_body() {
  return refused(400, "InvalidRequestContent",
                 "The request content was invalid and could not be deserialized.");
}

Answer too_many_for_compute(std::string_view policy, unsigned retry_after) {
  json::object const detail{{"code", "TooManyRequests"},
                            {"target", policy},
                            {"message", fmt::format("{{\"operationGroup\":\"{}\"}}", policy)}};
  auto answer =
      json_answer(429, {{"code", "OperationNotAllowed"},
                        {"message",
                         "The server rejected the request because too many requests have been received for "
                         "this subscription."},
                        {"details", json::array{detail}}});
  answer.headers.emplace_back("Retry-After", std::to_string(retry_after));
  return answer;
}

Answer too_many_for_arm(std::string_view subscription, unsigned retry_after) {
  auto answer = refused_at_gateway(
      429, "SubscriptionRequestsThrottled",
      fmt::format(
          "Number of requests for subscription '{}' exceeded the limit. Please try again after '{}' seconds.",
          subscription, retry_after));
  answer.headers.emplace_back("Retry-After", std::to_string(retry_after));
  return answer;
}

}  // namespace rekeyd::sim::azure::arm
