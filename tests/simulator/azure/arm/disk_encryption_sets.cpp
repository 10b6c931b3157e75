#include "tests/simulator/azure/arm/json_shapes.hpp"
#include "tests/simulator/azure/arm/refusals.hpp"
#include "tests/simulator/azure/arm/resource_manager.hpp"
#include "tests/simulator/azure/arm/set_request.hpp"
#include "tests/simulator/randomness.hpp"

#include <boost/json.hpp>

/// Disk encryption sets.
namespace rekeyd::sim::azure::arm {

namespace json = boost::json;

namespace {

Answer named(Answer answer, char const* operation) {
  answer.operation = operation;
  return answer;
}

bool is_set_name(std::string const& name) {
  constexpr std::size_t longest = 80;
  return !name.empty() && name.size() <= longest &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
             std::string::npos;
}

}  // namespace

Answer ResourceManager::disk_encryption_sets(Call const& call) {
  auto const& parts = call.id.parts;
  std::string const& method = call.request.method;
  if (parts.front().second.empty()) return method == "GET" ? list_sets(call) : no_route(method);
  if (method == "PUT" || method == "PATCH") return parts.size() == 1 ? change_set(call) : no_route(method);
  if (method != "GET") return no_route(method);
  if (parts.size() == 2 && parts[1].first == "associatedresources") return associated_resources(call);
  ResourceName const name{call.id.subscription, call.id.group, "diskEncryptionSets", parts.front().second};
  auto const found = call.seen.sets.find(name.key());
  if (parts.size() > 1 || found == call.seen.sets.end())
    return named(no_resource("Microsoft.Compute/diskEncryptionSets", name.name, name.group),
                 "diskEncryptionSets.get");
  return named(json_answer(200, set_json(found->second, IdCase::as_made)), "diskEncryptionSets.get");
}

Answer ResourceManager::list_sets(Call const& call) {
  json::array all;
  for (auto const& [key, set] : call.seen.sets) {
    if (set.name.subscription != call.id.subscription) continue;
    if (call.id.in_group() && lower(set.name.group) != lower(call.id.group)) continue;
    all.push_back(set_json(set, list_ids()));
  }
  return page(call, std::move(all), "diskEncryptionSets.list");
}

/// Disks and snapshots; an ephemeral OS disk is no resource, so it is not among them.
Answer ResourceManager::associated_resources(Call const& call) {
  ResourceName const name{call.id.subscription, call.id.group, "diskEncryptionSets", call.id.name(0)};
  if (!call.seen.sets.contains(name.key()))
    return named(no_resource("Microsoft.Compute/diskEncryptionSets", name.name, name.group),
                 "diskEncryptionSets.associatedResources");
  json::array all;
  for (auto const* disks : {&call.seen.disks, &call.seen.snapshots}) {
    for (auto const& [key, disk] : *disks) {
      if (disk.set != name.key()) continue;
      all.emplace_back(list_ids() == IdCase::shouted ? disk.name.shouted_id() : disk.name.id());
    }
  }
  return page(call, std::move(all), "diskEncryptionSets.associatedResources");
}

Answer ResourceManager::change_set(Call const& call) {
  bool const whole = call.request.method == "PUT";
  char const* const operation = whole ? "diskEncryptionSets.createOrUpdate" : "diskEncryptionSets.update";
  ResourceName const name{call.id.subscription, call.id.group, "diskEncryptionSets", call.id.name(0)};
  auto const found = estate_.sets.find(name.key());
  if (!whole && found == estate_.sets.end())
    return named(no_resource("Microsoft.Compute/diskEncryptionSets", name.name, name.group), operation);
  if (whole && found == estate_.sets.end()) return named(create_set(call, name), operation);
  auto const body = json_object(call.request.body);
  if (!body) return named(bad_body(), operation);
  auto const change = whole ? parse_put(*body) : parse_patch(*body);
  if (!change) return named(refused(change.error()), operation);
  return named(update_set(call, found->second, *change), operation);
}

Answer ResourceManager::update_set(Call const& call, DiskEncryptionSet& set, SetChange const& change) {
  if (auto const objection = objection_to(change, set, estate_)) return refused(*objection);
  if (change.only_tags()) {
    apply_tags(change, set);
    remember(call.now);
    return json_answer(200, set_json(set, IdCase::as_made));
  }
  auto begun = new_operation(Act::change_set, set.name, set.location, call.client, call.now);
  auto answer = accepted(call, begun, {}, "");
  begin(change, std::move(begun), set, estate_, settings_);
  remember(call.now);
  answer.body = json::serialize(set_json(set, IdCase::as_made));
  answer.headers.emplace_back("Content-Type", "application/json; charset=utf-8");
  return answer;
}

Answer ResourceManager::create_set(Call const& call, ResourceName name) {
  auto const body = json_object(call.request.body);
  if (!body) return bad_body();
  auto const change = parse_put(*body);
  if (!change) return refused(change.error());
  if (!is_set_name(name.name))
    return refused(Objection{400, {"InvalidParameter", "The name of the disk encryption set is invalid."}});
  auto const& subscription = estate_.subscriptions.at(call.id.subscription);
  DiskEncryptionSet set;
  name.group = subscription.groups.at(lower(name.group));
  set.name = name;
  set.location = *string_member(*body, "location");
  set.identity_type = change->identity_type.value_or("None");
  set.encryption_type = change->encryption_type.value_or(set.encryption_type);
  set.principal_id = random_.uuid();
  set.tenant = subscription.tenant;
  set.active = *change->key;
  set.provisioning = "Creating";
  set.next_check = call.now + std::chrono::hours(1);
  if (auto const objection = objection_to(*change, set, estate_)) return refused(*objection);
  auto& made = estate_.sets.emplace(name.key(), std::move(set)).first->second;
  return update_set(call, made, *change);
}

}  // namespace rekeyd::sim::azure::arm
