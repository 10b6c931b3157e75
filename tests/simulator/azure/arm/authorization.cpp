#include "tests/simulator/azure/arm/json_shapes.hpp"
#include "tests/simulator/azure/arm/refusals.hpp"
#include "tests/simulator/azure/arm/resource_manager.hpp"
#include "tests/simulator/azure/names.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

/// Tokens, permissions and locks. The codes of 401 and the form of its header are general knowledge; those of
/// 403 and of locked scopes are from public error pages.
namespace rekeyd::sim::azure::arm {

namespace json = boost::json;

namespace {

std::set<std::string> const audiences{
    "https://management.azure.com",        "https://management.azure.com/",
    "https://management.core.windows.net", "https://management.core.windows.net/",
    "https://management.localhost",        "https://management.localhost/"};

bool matches_any(std::vector<std::string> const& patterns, std::string const& action) {
  return std::ranges::any_of(patterns, [&](auto const& pattern) { return matches_pattern(pattern, action); });
}

bool permits(Permission const& permission, std::string const& action) {
  return matches_any(permission.actions, action) && !matches_any(permission.not_actions, action);
}

/// "Microsoft.Compute/virtualMachines/start/action", in lower case: patterns match in any.
std::string action_of(ResourceId const& id, std::string const& method) {
  if (id.provider.empty()) {
    return id.in_group() ? "microsoft.resources/subscriptions/resourcegroups/read"
                         : "microsoft.resources/subscriptions/read";
  }
  std::string const type = id.provider + "/" + id.type();
  if (method == "POST") return type + "/action";
  if (method == "PUT" || method == "PATCH") return type + "/write";
  return type + (method == "DELETE" ? "/delete" : "/read");
}

/// The resource that a request is about, with its act or list cut off: "…/virtualMachines/vm1".
std::string acted_on(std::string const& path, ResourceId const& id) {
  bool const act = !id.parts.empty() && id.parts.back().second.empty();
  return act ? path.substr(0, path.rfind('/')) : path;
}

json::array texts(std::vector<std::string> const& list) { return json::array(list.begin(), list.end()); }

}  // namespace

Answer ResourceManager::authenticate_first(Request const& request, std::string const& subscription,
                                           std::string_view code, std::string_view message) const {
  auto const found = estate_.subscriptions.find(subscription);
  std::string const tenant = found != estate_.subscriptions.end() ? found->second.tenant
                             : estate_.subscriptions.empty()      ? std::string("common")
                                                             : estate_.subscriptions.begin()->second.tenant;
  std::string const login =
      is_loopback(request.host)
          ? fmt::format("login.localhost{}", port_suffix(url_authority(request.authority)))
          : std::string("login.windows.net");
  auto answer = refused(401, code, message);
  answer.headers.emplace_back(
      "WWW-Authenticate", fmt::format("Bearer authorization_uri=\"https://{}/{}\", error=\"invalid_token\", "
                                      "error_description=\"{}\"",
                                      login, tenant, message));
  answer.headers.emplace_back("x-ms-failure-cause", "gateway");
  answer.operation = "challenge";
  return answer;
}

std::optional<Answer> ResourceManager::challenge(Request const& request, Instant now,
                                                 std::string const& subscription, std::string& client) const {
  auto const refuse = [&](std::string_view code, std::string_view message) {
    return authenticate_first(request, subscription, code, message);
  };
  auto const token = bearer_token(request);
  if (token.empty())
    return refuse("AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.");
  auto const claims = mint_.read(token, now);
  if (request.token_expired || (!claims && claims.error() == TokenFault::expired))
    return refuse("ExpiredAuthenticationToken",
                  "The access token expiry UTC time is earlier than current UTC time.");
  if (!claims) return refuse("InvalidAuthenticationToken", "The access token is invalid.");
  if (!audiences.contains(claims->audience)) {
    return refuse(
        "InvalidAuthenticationTokenAudience",
        fmt::format("The access token has been obtained for wrong audience or resource '{}'. It should "
                    "exactly match with one of the allowed audiences 'https://management.azure.com'.",
                    claims->audience));
  }
  auto const found = estate_.subscriptions.find(subscription);
  if (found != estate_.subscriptions.end() && claims->issuer != issuer_of(found->second.tenant)) {
    return refuse("InvalidAuthenticationTokenTenant",
                  fmt::format("The access token is from the wrong issuer '{}'. It must match the tenant '{}' "
                              "associated with this subscription.",
                              claims->issuer, issuer_of(found->second.tenant)));
  }
  client = claims->client_id;
  return std::nullopt;
}

std::optional<Answer> ResourceManager::not_authorized(Call const& call) const {
  auto const& subscription = estate_.subscriptions.at(call.id.subscription);
  bool const member =
      subscription.allowed_clients.empty() || subscription.allowed_clients.contains(call.client);
  auto const permission = subscription.permissions.find(call.client);
  std::string const action = action_of(call.id, call.request.method);
  // Everybody may ask what he may do.
  bool const own_rights = member && action == "microsoft.authorization/permissions/read";
  bool const permitted = permission == subscription.permissions.end() || permits(permission->second, action);
  if (own_rights || (member && permitted)) return std::nullopt;
  return refused_at_gateway(
      403, "AuthorizationFailed",
      fmt::format(
          "The client '{0}' with object id '{0}' does not have authorization to perform action '{1}' over "
          "scope '{2}' or the scope is invalid. If access was recently granted, please refresh your "
          "credentials.",
          call.client, action, acted_on(call.target.path, call.id)));
}

std::optional<Answer> ResourceManager::locked(Call const& call) const {
  if (call.request.method == "GET") return std::nullopt;
  std::string const scope = acted_on(call.target.path, call.id);
  bool const deletes = call.request.method == "DELETE";
  std::vector<std::string> locks;
  for (Lock const& lock : estate_.locks) {
    if ((lock.read_only || deletes) && is_within(lower(scope), lower(lock.scope)))
      locks.push_back(lock.scope);
  }
  if (locks.empty()) return std::nullopt;
  return refused_at_gateway(
      409, "ScopeLocked",
      fmt::format(
          "The scope '{}' cannot perform {} operation because following scope(s) are locked: '{}'. Please "
          "remove the lock and try again.",
          scope, deletes ? "delete" : "write", fmt::join(locks, ",")));
}

Answer ResourceManager::authorization(Call const& call) {
  std::string const type = call.id.type();
  if (call.request.method != "GET") return no_route(call.request.method);
  if (type == "locks") return list_locks(call);
  if (type == "permissions") return list_permissions(call);
  return refused_at_gateway(404, "InvalidResourceType",
                            fmt::format("The resource type '{}' could not be found in the namespace "
                                        "'Microsoft.Authorization'.",
                                        type));
}

/// Those of the scope and of all below it, as the documentation of each of the lists says; with
/// $filter=atScope() those of the scope alone. None that the scope inherits (general knowledge).
Answer ResourceManager::list_locks(Call const& call) {
  std::string const scope = lower(call.id.scope);
  bool const alone = lower(call.target.param("$filter").value_or("")) == "atscope()";
  json::array all;
  for (Lock const& lock : call.seen.locks) {
    std::string const at = lower(lock.scope);
    if (alone ? at == scope : is_within(at, scope)) all.push_back(lock_json(lock));
  }
  return page(call, std::move(all), "locks.list");
}

Answer ResourceManager::list_permissions(Call const& call) {
  auto const& permissions = estate_.subscriptions.at(call.id.subscription).permissions;
  auto const found = permissions.find(call.client);
  Permission const mine = found == permissions.end() ? Permission{} : found->second;
  json::array all{json::object{{"actions", texts(mine.actions)},
                               {"notActions", texts(mine.not_actions)},
                               {"dataActions", json::array{}},
                               {"notDataActions", json::array{}}}};
  return page(call, std::move(all), "permissions.list");
}

}  // namespace rekeyd::sim::azure::arm
