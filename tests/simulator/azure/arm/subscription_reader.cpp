#include "tests/simulator/azure/arm/subscription_reader.hpp"

#include "tests/simulator/azure/arm/resource_id.hpp"
#include "tests/simulator/azure/names.hpp"
#include "tests/simulator/message.hpp"
#include "tests/simulator/randomness.hpp"

#include <fmt/format.h>

/// Subscriptions, their groups, clients, locks and disk encryption sets.
namespace rekeyd::sim::azure::arm {

namespace {

std::string vault_id(ResourceName const& user, KeyUrl const& key) {
  return fmt::format("{}/providers/Microsoft.KeyVault/vaults/{}", group_id(user.subscription, user.group),
                     key.host.substr(0, key.host.find('.')));
}

std::string encryption_type(Section& entry) {
  std::string const word =
      entry.word("type", {"customer-key", "platform-and-customer-keys", "confidential-vm"}, "customer-key");
  if (word == "confidential-vm") return "ConfidentialVmEncryptedWithCustomerKey";
  if (word == "platform-and-customer-keys") return "EncryptionAtRestWithPlatformAndCustomerKeys";
  return "EncryptionAtRestWithCustomerKey";
}

}  // namespace

SubscriptionReader::SubscriptionReader(Section& section, Surroundings const& around, Estate& estate)
    : section_(section), around_(around), estate_(estate), location_(section.text("location", "westeurope")) {
  subscription_.id = lower(section.text("id"));
  subscription_.tenant = lower(section.text("tenant"));
  if (!around.tenants.contains(subscription_.tenant)) section.mistake("tenant", "is not one of the tenants");
  if (estate.subscriptions.contains(subscription_.id)) section.mistake("id", "given twice");
}

void SubscriptionReader::read_groups() {
  for (auto& group : section_.sections("resource_groups")) {
    std::string const name = group.text("name");
    if (!subscription_.groups.emplace(lower(name), name).second) group.mistake("name", "given twice");
    subscription_.group_locations[lower(name)] = group.text("location", location_);
    group.finish();
  }
  if (subscription_.groups.empty()) section_.mistake("resource_groups", "at least one is needed");
}

void SubscriptionReader::read_clients() {
  for (auto const& client : section_.texts("allowed_clients"))
    subscription_.allowed_clients.insert(lower(client));
  for (auto& entry : section_.sections("permissions")) {
    Permission permission;
    if (entry.has("actions")) permission.actions = entry.texts("actions");
    permission.not_actions = entry.texts("not_actions");
    subscription_.permissions.insert_or_assign(lower(entry.text("client")), std::move(permission));
    entry.finish();
  }
  estate_.subscriptions.insert_or_assign(subscription_.id, subscription_);
}

void SubscriptionReader::read_locks() {
  for (auto& entry : section_.sections("locks")) {
    // Empty: the subscription; "GROUP"; or what follows the subscription in an id.
    std::string const scope = entry.text("scope", "");
    Lock lock;
    lock.scope = "/subscriptions/" + subscription_.id;
    if (scope.starts_with('/'))
      lock.scope += scope;
    else if (!scope.empty())
      lock.scope = group_id(subscription_.id, scope);
    lock.name = entry.text("name", "lock");
    lock.read_only = entry.word("level", {"ReadOnly", "CanNotDelete"}, "ReadOnly") == "ReadOnly";
    lock.notes = entry.text("notes", "");
    entry.finish();
    estate_.locks.push_back(std::move(lock));
  }
}

ResourceName SubscriptionReader::name_of(Section& entry, char const* type, std::string const& name) {
  std::string const first = subscription_.groups.empty() ? "" : subscription_.groups.begin()->second;
  std::string const group = entry.text("resource_group", first);
  auto const found = subscription_.groups.find(lower(group));
  if (found == subscription_.groups.end()) {
    entry.mistake("resource_group", fmt::format("'{}' is not one of the subscription's", group));
    return {subscription_.id, group, type, name};
  }
  return {subscription_.id, found->second, type, name};
}

std::string SubscriptionReader::location_of(Section& entry, ResourceName const& name) {
  auto const found = subscription_.group_locations.find(lower(name.group));
  return entry.text("location", found == subscription_.group_locations.end() ? location_ : found->second);
}

std::optional<ResourceName> SubscriptionReader::set_named(Section& entry, ResourceName const& user) {
  if (!entry.has("disk_encryption_set")) return std::nullopt;
  std::string const text = entry.text("disk_encryption_set");
  ResourceName name{user.subscription, user.group, "diskEncryptionSets", text};
  auto const last = text.rfind('/');
  if (last != std::string::npos) {
    auto const first = text.find('/');
    name.name = text.substr(last + 1);
    name.group = first == last ? text.substr(0, first) : text.substr(first + 1, last - first - 1);
    if (first != last) name.subscription = lower(text.substr(0, first));
  }
  if (estate_.sets.contains(name.key())) return estate_.sets.at(name.key()).name;
  entry.mistake("disk_encryption_set", fmt::format("there is no set '{}' before this", text));
  return std::nullopt;
}

std::optional<KeyUrl> SubscriptionReader::key_of(Section& entry, char const* field, bool& key_vault) {
  std::string const text = entry.text(field);
  auto const url = around_.keys.named(text);
  long const behind = entry.number("versions_behind", 0, 10'000, 0);
  if (!url) {
    entry.mistake(field, fmt::format("'{}' is not VAULT/KEY of a vault above", text));
    return std::nullopt;
  }
  key_vault = url->host.ends_with(vault_suffix.real);
  auto facts = around_.keys.find(*url, around_.context.now);
  for (long back = 0; facts && back < behind; ++back)
    facts = around_.keys.find(*url, facts->created - std::chrono::seconds(1));
  if (!facts) {
    entry.mistake(field, fmt::format("the vault has no key, or no such old version, for '{}'", text));
    return std::nullopt;
  }
  return KeyUrl{url->host, url->name, facts->version};
}

DiskEncryptionSet SubscriptionReader::set_of(Section& entry, ResourceName name) {
  DiskEncryptionSet set;
  set.location = location_of(entry, name);
  set.tags = entry.text_map("tags");
  set.identity_type =
      entry.word("identity", {"SystemAssigned", "UserAssigned", "SystemAssigned, UserAssigned", "None"},
                 "SystemAssigned");
  set.user_identities = entry.texts("user_identities");
  set.principal_id = around_.context.random.uuid();
  set.tenant = subscription_.tenant;
  set.encryption_type = encryption_type(entry);
  bool key_vault = true;
  if (auto const key = key_of(entry, "key", key_vault)) set.active = *key;
  // It must be omitted when the vault is in another subscription, and for Managed HSM.
  bool const names_vault = entry.flag("source_vault", key_vault);
  if (names_vault) set.source_vault = vault_id(name, set.active);
  set.follows = entry.flag("rotation_to_latest", false);
  if (set.follows && set.confidential()) entry.mistake("rotation_to_latest", "is not for confidential VMs");
  if (entry.has("auto_rotation_error"))
    set.auto_rotation_error = Fault{entry.text("auto_rotation_error"), "Auto-key rotation was disabled."};
  set.federated_client = entry.text("federated_client", "");
  set.key_access = entry.flag("key_access", true);
  set.partial_changes = static_cast<int>(entry.number("partial_changes", 0, 1000, 0));
  set.partial_shape = entry.word("partial_shape", {"previous-keys", "old-key"}, "previous-keys") == "old-key"
                          ? PartialShape::old_key
                          : PartialShape::previous_keys;
  constexpr std::uint64_t hour = 3600;
  set.next_check = around_.context.now + std::chrono::seconds(1 + around_.context.random.below(hour));
  set.name = std::move(name);
  return set;
}

void SubscriptionReader::read_sets() {
  for (auto& entry : section_.sections("disk_encryption_sets")) {
    auto set = set_of(entry, name_of(entry, "diskEncryptionSets", entry.text("name")));
    entry.finish();
    std::string const key = set.name.key();
    if (!estate_.sets.emplace(key, std::move(set)).second) entry.mistake("name", "given twice");
  }
}

}  // namespace rekeyd::sim::azure::arm
