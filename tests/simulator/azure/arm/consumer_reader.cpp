#include "tests/simulator/azure/arm/sql_server.hpp"
#include "tests/simulator/azure/arm/subscription_reader.hpp"
#include "tests/simulator/message.hpp"
#include "tests/simulator/randomness.hpp"

/// The storage accounts and SQL servers of a subscription.
namespace rekeyd::sim::azure::arm {

namespace {

constexpr std::uint64_t day = 86'400;
constexpr std::uint64_t hour = 3600;

std::string read_identity(Section& entry) {
  return entry.word("identity", {"SystemAssigned", "UserAssigned", "SystemAssigned, UserAssigned", "None"},
                    "SystemAssigned");
}

}  // namespace

void SubscriptionReader::read_accounts() {
  auto& context = around_.context;
  for (auto& entry : section_.sections("storage_accounts")) {
    StorageAccount account;
    account.name = name_of(entry, "storageAccounts", entry.text("name"));
    account.name.provider = "Microsoft.Storage";
    account.location = location_of(entry, account.name);
    account.tags = entry.text_map("tags");
    account.identity_type = read_identity(entry);
    account.principal_id = context.random.uuid();
    account.tenant = subscription_.tenant;
    account.created = context.now - std::chrono::days(100);
    account.key_access = entry.flag("key_access", true);
    account.pinned = entry.flag("pins_version", false);
    account.customer_key = entry.has("key");
    bool key_vault = true;
    if (auto const key = account.customer_key ? key_of(entry, "key", key_vault) : std::nullopt)
      account.active = *key;
    if (account.customer_key) account.rotated = account.created;
    account.next_check = context.now + std::chrono::seconds(1 + context.random.below(day));
    entry.finish();
    std::string const key = account.name.key();
    if (!estate_.accounts.emplace(key, std::move(account)).second) entry.mistake("name", "given twice");
  }
}

void SubscriptionReader::read_servers() {
  auto& context = around_.context;
  for (auto& entry : section_.sections("sql_servers")) {
    SqlServer server;
    server.name = name_of(entry, "servers", entry.text("name"));
    server.name.provider = "Microsoft.Sql";
    server.location = location_of(entry, server.name);
    server.identity_type = read_identity(entry);
    server.principal_id = context.random.uuid();
    server.tenant = subscription_.tenant;
    server.key_access = entry.flag("key_access", true);
    server.auto_rotation = entry.flag("auto_rotation", false);
    server.next_check = context.now + std::chrono::seconds(1 + context.random.below(hour));
    bool key_vault = true;
    if (auto const key = entry.has("key") ? key_of(entry, "key", key_vault) : std::nullopt) {
      SqlServer::Key protector{server_key_name(*key), *key, context.now - std::chrono::days(100)};
      server.protector = lower(protector.name);
      server.keys.emplace(server.protector, std::move(protector));
    }
    if (server.auto_rotation && !entry.has("key")) entry.mistake("auto_rotation", "needs a key");
    entry.finish();
    std::string const key = server.name.key();
    if (!estate_.servers.emplace(key, std::move(server)).second) entry.mistake("name", "given twice");
  }
}

}  // namespace rekeyd::sim::azure::arm
