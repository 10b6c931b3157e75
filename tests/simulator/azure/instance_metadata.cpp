#include "tests/simulator/azure/instance_metadata.hpp"

#include "tests/simulator/message.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <array>

namespace rekeyd::sim::azure {

namespace json = boost::json;

namespace {

constexpr std::array<std::string_view, 2> metadata_hosts{"169.254.169.254", "imds.localhost"};

Answer refuse(unsigned status, char const* error, char const* description) {
  auto answer = json_answer(status, {{"error", error}, {"error_description", description}});
  answer.operation = "identity token";
  return answer;
}

std::string text(std::int64_t number) { return std::to_string(number); }

}  // namespace

InstanceMetadata::InstanceMetadata(std::optional<MachineIdentity> system_assigned,
                                   std::vector<MachineIdentity> user_assigned,
                                   std::chrono::seconds token_lifetime, TokenMint mint)
    : system_assigned_(std::move(system_assigned)),
      user_assigned_(std::move(user_assigned)),
      token_lifetime_(token_lifetime),
      mint_(std::move(mint)) {}

bool InstanceMetadata::serves(std::string_view host) const {
  return std::ranges::count(metadata_hosts, host) > 0;
}

std::vector<std::string> InstanceMetadata::hosts() const {
  return {metadata_hosts.begin(), metadata_hosts.end()};
}

json::value InstanceMetadata::state(Instant) const { return nullptr; }

Answer InstanceMetadata::refusal(unsigned status, Request const&) const {
  if (status == 429) return refuse(429, "too_many_requests", "Too many requests");
  return refuse(status, "unknown", "Failed to retrieve token from the Active directory.");
}

Answer InstanceMetadata::handle(Request const& request, Instant now) {
  if (unavailable_status_ != 0 && now < unavailable_until_) {
    Answer answer{unavailable_status_, {{"Content-Type", "text/html"}}, "<html>try later</html>"};
    answer.operation = "identity token";
    return answer;
  }
  // What a proxy has touched is not from this machine.
  if (lower(request.header("Metadata")) != "true" || !request.header("X-Forwarded-For").empty())
    return refuse(400, "bad_request_102", "Required metadata header not specified");
  return token(request, now);
}

MachineIdentity const* InstanceMetadata::find(Wanted const& wanted) const {
  bool const system = wanted.client_id.empty() && wanted.object_id.empty() && wanted.resource_id.empty();
  if (system) {
    if (system_assigned_) return &*system_assigned_;
    // With just one user-assigned identity there is nothing to choose.
    return user_assigned_.size() == 1 ? user_assigned_.data() : nullptr;
  }
  auto const named = [&wanted](MachineIdentity const& one) {
    if (!wanted.client_id.empty()) return one.client_id == lower(wanted.client_id);
    if (!wanted.object_id.empty()) return one.object_id == lower(wanted.object_id);
    return one.resource_id == lower(wanted.resource_id);
  };
  if (system_assigned_ && wanted.resource_id.empty() && named(*system_assigned_)) return &*system_assigned_;
  auto const found = std::ranges::find_if(user_assigned_, named);
  return found == user_assigned_.end() ? nullptr : &*found;
}

Answer InstanceMetadata::token(Request const& request, Instant now) const {
  auto const target = parse_target(request.target);
  // Microsoft's own libraries end the path with a slash, or without.
  constexpr std::string_view path = "/metadata/identity/oauth2/token";
  bool const ours = target && (target->path == path || target->path == std::string(path) + "/");
  if (!ours || request.method != "GET")
    return refuse(404, "not_found", "The requested resource does not exist");
  if (target->param("api-version") != "2018-02-01")
    return refuse(400, "bad_request", "The api-version is missing or not supported");
  auto const resource = target->param("resource");
  if (!resource) return refuse(400, "invalid_request", "Required query variable 'resource' is missing");
  auto const param = [&target](char const* name) { return target->param(name).value_or(""); };
  auto const* const identity = find({param("client_id"), param("object_id"), param("msi_res_id")});
  if (identity == nullptr) return refuse(400, "invalid_request", "Identity not found");
  // Neither a scope nor a trailing slash: just what the service calls itself.
  if (!is_resource(*resource)) {
    return refuse(400, "invalid_resource",
                  "AADSTS500011: The resource principal was not found in the tenant of the identity.");
  }
  return grant(*identity, *resource, now);
}

Answer InstanceMetadata::grant(MachineIdentity const& identity, std::string const& resource,
                               Instant now) const {
  auto const lifetime = token_lifetime_.count();
  auto const at = now.time_since_epoch().count();
  TokenClaims const claims{resource, issuer_of(identity.tenant), identity.client_id, now + token_lifetime_};
  auto answer = json_answer(200, {{"access_token", mint_.issue(claims, now)},
                                  {"client_id", identity.client_id},
                                  {"expires_in", text(lifetime)},
                                  {"expires_on", text(at + lifetime)},
                                  {"ext_expires_in", text(lifetime)},
                                  {"not_before", text(at)},
                                  {"resource", resource},
                                  {"token_type", "Bearer"},
                                  {"refresh_token", ""}});
  answer.operation = "identity token";
  return answer;
}

std::optional<Answer> InstanceMetadata::control(Request const& request, Instant now) {
  auto const target = parse_target(request.target);
  if (!target || request.method != "POST" || target->path != "/instance-metadata") return std::nullopt;
  auto const wish = json_object(request.body);
  auto const status = wish ? integer_member(*wish, "status") : std::nullopt;
  auto const span = wish ? integer_member(*wish, "for_s") : std::nullopt;
  if (!status || !span || *status < 400 || *status > 599)
    return json_answer(400, {{"error", "a status from 400 to 599 and for_s were expected"}});
  unavailable_status_ = static_cast<unsigned>(*status);
  unavailable_until_ = now + std::chrono::seconds(*span);
  return Answer{204, {}, {}};
}

}  // namespace rekeyd::sim::azure
