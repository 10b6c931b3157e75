#pragma once
#include "tests/workflow/living_daemon.hpp"

#include <string>

/// Resources at Azure Resource Manager that hang on the keys of one vault.
namespace rekeyd::test {

/// "azure-prod/payments-eu/cmk-disks", due; its disk encryption sets are the ones that `sets` describes,
/// lines of a world file's `disk_encryption_sets` ("- { name: pinned, key: payments-eu/cmk-disks }"); `more`
/// is what else the subscription has, indented by six.
LivingDaemon::Files disks_world(std::string const& sets, std::string const& more = "");
extern char const* const disks_key;

/// rekeyd.yaml with one Key Vault entry that looks for resources in group "apps" of the subscription.
std::string arm_settings(std::string const& vault);
std::string indented(std::string const& lines, std::size_t by);

/// The lower-case id of something of Microsoft.Compute in that group.
std::string resource_id(std::string const& type, std::string const& name);
/// The same of a disk encryption set.
std::string set_id(std::string const& name);
sim::DesTruth set_truth(LivingDaemon& life, std::string const& name);
/// Is the set wholly on the key's current version at the vault?
bool on_current_version(LivingDaemon& life, std::string const& name);
std::string current_version(LivingDaemon& life, std::string const& key);
/// POSTs to the simulator's control host; fails the test unless it agrees.
void people(LivingDaemon& life, std::string const& path, std::string const& body);
/// What the daemon has on record of the set.
Registration on_record(LivingDaemon& life, std::string const& name);

}  // namespace rekeyd::test
