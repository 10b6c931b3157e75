#include "tests/simulator/azure/arm/resource_manager.hpp"

#include "tests/simulator/azure/arm/api_versions.hpp"
#include "tests/simulator/azure/arm/course.hpp"
#include "tests/simulator/azure/arm/json_shapes.hpp"
#include "tests/simulator/azure/arm/refusals.hpp"
#include "tests/simulator/azure/names.hpp"
#include "tests/simulator/crypto.hpp"
#include "tests/simulator/randomness.hpp"

#include <boost/json.hpp>
#include <boost/url/url.hpp>
#include <fmt/format.h>

#include <charconv>

namespace rekeyd::sim::azure::arm {

namespace json = boost::json;

namespace {

Answer named(Answer answer, char const* operation) {
  answer.operation = operation;
  return answer;
}

std::string type_of(ResourceId const& id) {
  return id.provider.empty() ? std::string() : id.provider + "/" + id.type();
}

Cost cost_of(ResourceId const& id, std::string const& method) {
  std::string const type = id.type();
  if (type == "locations/diskoperations") return Cost::set_operation;
  if (type == "locations/operations") return Cost::machine_operation;
  if (id.provider != "microsoft.compute") return Cost::other;
  bool const reads = method == "GET";
  if (!type.starts_with("virtualmachines")) return reads ? Cost::set_read : Cost::set_write;
  if (!reads) return Cost::machine_act;
  return id.name(0).empty() ? Cost::machine_list : Cost::machine_read;
}

/// The machine or the operation, whose requests have limits of their own, whatever is asked of it.
std::string limited_resource(ResourceId const& id) {
  std::string resource = lower(id.scope);
  for (auto const& [type, name] : id.parts) {
    if (!name.empty()) resource += "/" + type + "/" + lower(name);
  }
  return resource;
}

std::size_t skipped(Target const& target) {
  auto const token = target.param("$skiptoken");
  auto const text = token ? from_base64url(*token) : std::nullopt;
  std::size_t count = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), count);
  return count;
}

json::object group_json(Subscription const& subscription, std::string const& folded,
                        std::string const& name) {
  return {{"id", group_id(subscription.id, name)},
          {"name", name},
          {"type", "Microsoft.Resources/resourceGroups"},
          {"location", subscription.group_locations.at(folded)},
          {"properties", {{"provisioningState", "Succeeded"}}}};
}

}  // namespace

ResourceManager::ResourceManager(Estate estate, Settings const& settings, TokenMint mint,
                                 std::unique_ptr<KeyDirectory> keys, Randomness& random, Instant now)
    : settings_(settings),
      mint_(std::move(mint)),
      keys_(std::move(keys)),
      random_(random),
      estate_(std::move(estate)),
      quota_(settings.limits) {
  constexpr std::size_t certificate_bytes = 2100;
  if (settings_.signed_urls && !estate_.subscriptions.empty())
    certificate_ = base64url(random_.bytes(certificate_bytes));
  estate_.next_key_check = estate_.machines.empty() ? Instant::max() : now + std::chrono::hours(1);
  remember(now);
}

bool ResourceManager::serves(std::string_view host) const {
  return host == resource_manager_host.real || host == resource_manager_host.loopback;
}

std::vector<std::string> ResourceManager::hosts() const {
  return {std::string(resource_manager_host.real), std::string(resource_manager_host.loopback)};
}

Answer ResourceManager::refusal(unsigned status, Request const&) const {
  if (status == 429) return refused_at_gateway(429, "TooManyRequests", "The request is being throttled.");
  if (status == 503)
    return refused(503, "ServiceUnavailable", "The service is temporarily unavailable. Please try again.");
  return refused(status, "InternalServerError", "The server has failed to process the request.");
}

void ResourceManager::advance_to(Instant now) {
  clock_ = std::max(clock_, now);
  if (is_due(estate_, now)) advance(estate_, *keys_, now);
}

void ResourceManager::remember(Instant now) {
  constexpr std::size_t depth = 16;
  past_.emplace_back(now, estate_);
  if (past_.size() > depth) past_.pop_front();
}

Estate ResourceManager::as_of(Instant now) const {
  auto then = past_.begin();
  while (std::next(then) != past_.end() && std::next(then)->first <= now) ++then;
  Estate estate = then->second;
  advance(estate, *keys_, now);
  return estate;
}

IdCase ResourceManager::list_ids() const {
  return settings_.varying_case ? IdCase::shouted : IdCase::as_made;
}

Answer ResourceManager::handle(Request const& request, Instant now) {
  Headers extra;
  auto answer = answered(request, now, extra);
  add_headers(answer, request, extra);
  return answer;
}

void ResourceManager::add_headers(Answer& answer, Request const& request, Headers const& extra) {
  std::string const correlation = random_.uuid();
  for (auto const& header : extra) answer.headers.push_back(header);
  answer.headers.emplace_back("Cache-Control", "no-cache");
  answer.headers.emplace_back("Strict-Transport-Security", "max-age=31536000; includeSubDomains");
  answer.headers.emplace_back("X-Content-Type-Options", "nosniff");
  answer.headers.emplace_back("x-ms-request-id", random_.uuid());
  answer.headers.emplace_back("x-ms-correlation-request-id", correlation);
  answer.headers.emplace_back("x-ms-routing-request-id", "WESTEUROPE:" + correlation);
  if (auto const id = request.header("x-ms-client-request-id"); !id.empty())
    answer.headers.emplace_back("x-ms-client-request-id", id);
}

Answer ResourceManager::answered(Request const& request, Instant now, Headers& extra) {
  auto target = parse_target(request.target);
  auto const id = target ? parse_resource_path(target->path) : std::nullopt;
  std::string client;
  if (auto challenged = challenge(request, now, id ? id->subscription : std::string(), client))
    return *std::move(challenged);
  if (!id)
    return named(refused_at_gateway(404, "InvalidResourcePath", "The resource path is not valid."),
                 "unknown");
  for (KeyUrl const& key : followed_keys(estate_)) keys_->look_at(key, now);
  bool const from_replica = request.method == "GET" && now < clock_;
  if (!from_replica) advance_to(now);
  Estate const replica = from_replica ? as_of(now) : Estate{};
  auto const version = target->param("api-version");
  if (auto wrong = wrong_api_version(type_of(*id), version, "westeurope"))
    return named(*std::move(wrong), "wrong api-version");
  Call const call{request,
                  *std::move(target),
                  *id,
                  now,
                  client,
                  "https://" + url_authority(request.authority),
                  from_replica ? replica : estate_,
                  *version};
  return admitted(call, extra);
}

Answer ResourceManager::admitted(Call const& call, Headers& extra) {
  if (!estate_.subscriptions.contains(call.id.subscription)) {
    return named(
        refused_at_gateway(404, "SubscriptionNotFound",
                           fmt::format("The subscription '{}' could not be found.", call.id.subscription)),
        "unknown subscription");
  }
  if (auto forbidden = not_authorized(call)) return named(*std::move(forbidden), "forbidden");
  std::string const& method = call.request.method;
  Quota::Demand const demand{method, call.id.subscription, call.client, cost_of(call.id, method),
                             limited_resource(call.id)};
  if (auto refusal = quota_.take(demand, call.now, extra)) return named(*std::move(refusal), "throttled");
  if (auto refusal = locked(call)) return named(*std::move(refusal), "locked");
  return served(call);
}

Answer ResourceManager::served(Call const& call) {
  auto const& subscription = estate_.subscriptions.at(call.id.subscription);
  if (call.id.in_group() && !subscription.groups.contains(lower(call.id.group)))
    return named(no_group(call.id.group), "unknown group");
  if (call.id.provider == "microsoft.compute") return compute(call);
  if (call.id.provider == "microsoft.storage") return storage_accounts(call);
  if (call.id.provider == "microsoft.sql") return sql(call);
  if (call.id.provider == "microsoft.authorization") return authorization(call);
  if (call.id.provider.empty()) return resources(call);
  return named(refused_at_gateway(404, "InvalidResourceNamespace",
                                  fmt::format("The resource namespace '{}' is invalid.", call.id.provider)),
               "unknown");
}

Answer ResourceManager::compute(Call const& call) {
  std::string const type = call.id.parts.front().first;
  if (type == "diskencryptionsets") return disk_encryption_sets(call);
  if (type == "virtualmachines") return virtual_machines(call);
  if (type == "disks" || type == "snapshots") return disks(call);
  if (type == "locations" && call.id.parts.size() == 2) {
    std::string const what = call.id.parts[1].first;
    if (what == "diskoperations" || what == "operations") return operation(call);
    if (what == "virtualmachines" && call.request.method == "GET") return list_machines(call);
  }
  return named(refused_at_gateway(404, "InvalidResourceType",
                                  fmt::format("The resource type '{}' could not be found in the namespace "
                                              "'Microsoft.Compute'.",
                                              call.id.type())),
               "unknown");
}

Answer ResourceManager::resources(Call const& call) {
  if (call.request.method != "GET") return named(no_route(call.request.method), "unknown");
  auto const& subscription = estate_.subscriptions.at(call.id.subscription);
  if (call.id.in_group()) {
    std::string const folded = lower(call.id.group);
    return named(json_answer(200, group_json(subscription, folded, subscription.groups.at(folded))),
                 "resourceGroups.get");
  }
  if (call.target.segments.size() == 2) {
    return named(json_answer(200, {{"id", "/subscriptions/" + subscription.id},
                                   {"subscriptionId", subscription.id},
                                   {"tenantId", subscription.tenant},
                                   {"displayName", subscription.id},
                                   {"state", "Enabled"}}),
                 "subscriptions.get");
  }
  json::array all;
  for (auto const& [folded, name] : subscription.groups)
    all.push_back(group_json(subscription, folded, name));
  return page(call, std::move(all), "resourceGroups.list");
}

Answer ResourceManager::page(Call const& call, json::array all, char const* operation) const {
  std::size_t const from = std::min(skipped(call.target), all.size());
  std::size_t const to = std::min(from + settings_.page_size, all.size());
  json::object body{{"value", json::array(all.begin() + static_cast<std::ptrdiff_t>(from),
                                          all.begin() + static_cast<std::ptrdiff_t>(to))}};
  if (to < all.size()) {
    boost::urls::url link(call.base);
    link.set_path(call.target.path);
    for (auto const& [name, value] : call.target.params) {
      if (name != "$skiptoken") link.params().append({name, value});
    }
    link.params().append({"$skiptoken", base64url(std::to_string(to))});
    body["nextLink"] = std::string(link.buffer());
  }
  return named(json_answer(200, body), operation);
}

}  // namespace rekeyd::sim::azure::arm
