#include "tests/simulator/azure/arm/json_shapes.hpp"
#include "tests/simulator/azure/arm/refusals.hpp"
#include "tests/simulator/azure/arm/resource_manager.hpp"
#include "tests/simulator/crypto.hpp"
#include "tests/simulator/randomness.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

/// Long-running operations: the 202 that begins one, and the two documents that tell of it.
namespace rekeyd::sim::azure::arm {

namespace json = boost::json;

namespace {

std::string status_of(Operation const& operation) {
  if (!operation.ended) return "InProgress";
  if (operation.canceled) return "Canceled";
  return operation.failure ? "Failed" : "Succeeded";
}

void add_retry_after(Answer& answer, std::optional<unsigned> const& seconds) {
  if (seconds) answer.headers.emplace_back("Retry-After", std::to_string(*seconds));
}

json::value resource_json(Estate const& estate, Operation const& operation) {
  auto const set = estate.sets.find(operation.resource);
  if (operation.act != Act::change_set || set == estate.sets.end()) return nullptr;
  return set_json(set->second, IdCase::as_made);
}

/// Azure-AsyncOperation: always 200; a failure is in the body.
Answer status_document(Estate const& estate, Operation const& operation) {
  json::object body{
      {"startTime", time_text(operation.started)}, {"status", status_of(operation)}, {"name", operation.id}};
  if (operation.ended) body["endTime"] = time_text(*operation.ended);
  if (operation.failure) {
    body["error"] = {{"code", operation.failure->code}, {"message", operation.failure->message}};
  } else if (auto resource = resource_json(estate, operation); operation.ended && !resource.is_null()) {
    body["properties"] = {{"output", std::move(resource)}};
  }
  return json_answer(200, body);
}

}  // namespace

Operation ResourceManager::new_operation(Act act, ResourceName const& resource, std::string const& location,
                                         std::string const& by, Instant now) {
  constexpr std::size_t signature_bytes = 256;
  Operation operation;
  operation.id = random_.uuid();
  operation.nonce = random_.uuid();
  if (settings_.signed_urls) operation.signature = base64url(random_.bytes(signature_bytes));
  operation.subscription = resource.subscription;
  operation.location = location;
  operation.act = act;
  operation.resource = resource.key();
  operation.by = by;
  operation.started = now;
  return operation;
}

std::string ResourceManager::operation_url(Call const& call, Operation const& operation, bool monitor) const {
  std::string url =
      fmt::format("{}/subscriptions/{}/providers/Microsoft.Compute/locations/{}/{}/{}?p={}{}&api-version={}",
                  call.base, operation.subscription, operation.location,
                  operation.act == Act::change_set ? "DiskOperations" : "operations", operation.id,
                  operation.nonce, monitor ? "&monitor=true" : "", call.version);
  if (operation.signature.empty()) return url;
  return fmt::format("{}&t={}&c={}&s={}&h={}", url, operation.started.time_since_epoch().count(),
                     certificate_, operation.signature, sha256_hex(operation.id));
}

Answer ResourceManager::accepted(Call const& call, Operation const& operation, std::string body,
                                 char const* name) const {
  Answer answer{202, {}, std::move(body), name};
  if (!answer.body.empty()) answer.headers.emplace_back("Content-Type", "application/json; charset=utf-8");
  answer.headers.emplace_back("Azure-AsyncOperation", operation_url(call, operation, false));
  answer.headers.emplace_back("Location", operation_url(call, operation, true));
  if (operation.act != Act::change_set) answer.headers.emplace_back("azure-asyncnotification", "Enabled");
  add_retry_after(answer, settings_.retry_after);
  return answer;
}

Answer ResourceManager::operation(Call const& call) {
  bool const of_disks = call.id.parts[1].first == "diskoperations";
  auto const found = call.seen.operations.find(lower(call.id.name(1)));
  bool const known =
      found != call.seen.operations.end() && found->second.subscription == call.id.subscription &&
      (found->second.act == Act::change_set) == of_disks && call.target.param("p") == found->second.nonce &&
      call.target.param("s").value_or("") == found->second.signature;
  if (call.request.method != "GET") return no_route(call.request.method);
  if (!known) {
    return refused(404, "NotFound",
                   fmt::format("The entity was not found: operation '{}'.", call.id.name(1)));
  }
  Operation const& operation = found->second;
  Answer answer;
  if (call.target.param("monitor").value_or("") != "true") {
    answer = status_document(call.seen, operation);
  } else if (!operation.ended) {
    answer = accepted(call, operation, {}, "");
  } else if (operation.failure) {
    answer = refused(409, operation.failure->code, operation.failure->message);
  } else {
    auto const resource = resource_json(call.seen, operation);
    answer = resource.is_null() ? Answer{200, {}, {}} : json_answer(200, resource);
  }
  bool const pending_document = !operation.ended && answer.status == 200;
  if (pending_document) add_retry_after(answer, settings_.retry_after);
  answer.operation = of_disks ? "diskOperations.get" : "operations.get";
  return answer;
}

}  // namespace rekeyd::sim::azure::arm
