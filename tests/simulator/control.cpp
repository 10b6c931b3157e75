#include "tests/simulator/cloud.hpp"
#include "tests/simulator/envelope.hpp"
#include "tests/simulator/message.hpp"

#include <boost/json.hpp>

/// The control host: what a demo, a test or a person asks of the simulator itself.
namespace rekeyd::sim {

namespace json = boost::json;

namespace {

Answer complaint(unsigned status, std::string const& message) {
  return json_answer(status, {{"error", message}});
}

Answer list_deks(std::vector<SeededDek> const& deks) {
  json::array list;
  for (auto const& dek : deks) {
    json::object entry = to_json(dek.envelope);
    entry["dek_sha256"] = dek.dek_sha256;
    list.push_back(std::move(entry));
  }
  return json_answer(200, {{"deks", std::move(list)}});
}

Answer add_faults(FaultRules& faults, Request const& request) {
  auto rules = faults_from_json(request.body);
  if (!rules) return complaint(400, rules.error());
  for (auto& rule : *rules) faults.add(std::move(rule));
  return json_answer(201, {{"faults", faults.state()}});
}

Answer check_unwrap(Cloud const& cloud, Request const& request) {
  auto const object = json_object(request.body);
  auto const envelope = object ? envelope_from_json(*object) : std::nullopt;
  if (!envelope) return complaint(400, "an envelope with vault, key, key_version and wdek was expected");
  auto const digest = cloud.unwrap_check(*envelope);
  if (!digest) return complaint(422, "this WDEK does not unwrap with that key version and AAD");
  return json_answer(200, {{"dek_sha256", *digest}});
}

/// {"seconds": N}
std::optional<std::chrono::seconds> time_passed(Request const& request) {
  auto const object = json_object(request.body);
  json::value const* const member = object ? object->if_contains("seconds") : nullptr;
  if (member == nullptr || !member->is_int64() || member->get_int64() < 0) return std::nullopt;
  return std::chrono::seconds(member->get_int64());
}

}  // namespace

Answer Cloud::control(Request const& request, Instant now) {
  auto const target = parse_target(request.target);
  std::string const what = request.method + " " + (target ? target->path : std::string());
  if (what == "GET /state") return json_answer(200, state(now));
  if (what == "GET /state/requests") return json_answer(200, request_counts());
  if (what == "GET /state/deks") return list_deks(deks());
  if (what == "GET /faults") return json_answer(200, {{"faults", faults_.state()}});
  if (what == "POST /faults") return add_faults(faults_, request);
  if (what == "DELETE /faults") {
    faults_.clear();
    return {204, {}, {}};
  }
  if (what == "POST /unwrap-check") return check_unwrap(*this, request);
  if (what == "POST /time-passed") {
    auto const by = time_passed(request);
    if (!by) return complaint(400, "a number of seconds was expected");
    for (auto const& service : services_) service->grow_older(*by, now);
    return {204, {}, {}};
  }
  for (auto const& service : services_) {
    if (auto done = service->control(request, now)) return *std::move(done);
  }
  return complaint(
      404,
      "known here: GET /state, /state/requests, /state/deks, /faults; POST /faults, /unwrap-check, "
      "/registrations, /time-passed, /client-certificates, /federated-tokens, /entra-clock, "
      "/instance-metadata, /vault-challenges; DELETE /faults");
}

std::optional<Answer> Service::control(Request const&, Instant) { return std::nullopt; }

}  // namespace rekeyd::sim
