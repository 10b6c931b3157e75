#include "providers/azure/azure_disk_encryption.hpp"

#include "providers/azure/key_vault_json.hpp"
#include "providers/json_answer.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <set>
#include <string>
#include <utility>

namespace rekeyd::providers::azure {

namespace {

constexpr char kind[] = "azure-disk-encryption";

/// What one machine or loose disk names of one key.
struct Use {
  std::set<std::string> versions;
  std::set<std::string> disks;  ///< Names of the disks that say so; empty: the machine itself does.
};

class Uses {
 public:
  Uses(VaultsByHost const& vaults, std::vector<Error>& defects) : vaults_(vaults), defects_(defects) {}

  void add(std::string const& url, ResourceId const& user, std::string const& disk) {
    auto const key = KeyIdentifier::parse(url);
    if (!key) {
      Error defect =
          malformed_answer("it names no key for Azure Disk Encryption that could be read", user.str());
      defects_.push_back(std::move(defect));
      return;
    }
    auto const vault = vaults_.find(key->host);
    if (vault == vaults_.end()) return;
    KeyRef const ref{vault->second.first, vault->second.second, KeyId(key->name)};
    Use& use = uses_[{ref, user}];
    if (!key->version.empty()) use.versions.insert(key->version);
    if (!disk.empty()) use.disks.insert(disk);
  }

  std::vector<Registration> registrations() const {
    std::vector<Registration> all;
    for (auto const& [tie, use] : uses_) all.push_back(registration(tie.first, tie.second, use));
    return all;
  }

 private:
  static Registration registration(KeyRef const& key, ResourceId const& user, Use const& use) {
    Registration made;
    made.key = key;
    made.resource = user;
    made.kind = kind;
    made.following = Following::never;
    if (!use.versions.empty()) made.version = VersionId(*use.versions.begin());
    if (use.versions.size() > 1) made.details["versions"] = fmt::format("{}", fmt::join(use.versions, ", "));
    if (!use.disks.empty()) made.details["disks"] = fmt::format("{}", fmt::join(use.disks, ", "));
    return made;
  }

  VaultsByHost const& vaults_;
  std::vector<Error>& defects_;
  std::map<std::pair<KeyRef, ResourceId>, Use> uses_;
};

}  // namespace

DiskEncryptionUsers disk_encryption_users(std::span<VirtualMachine const> machines,
                                          std::span<ManagedDisk const> disks, VaultsByHost const& vaults) {
  DiskEncryptionUsers users;
  Uses uses(vaults, users.defects);
  for (VirtualMachine const& machine : machines) {
    for (std::string const& url : machine.encryption_keys) uses.add(url, machine.id.resource(), {});
  }
  for (ManagedDisk const& disk : disks) {
    for (std::string const& url : disk.encryption_keys) {
      if (disk.managed_by.empty()) uses.add(url, disk.id.resource(), disk.id.name);
      for (std::string const& holder : disk.managed_by) uses.add(url, ResourceId(holder), disk.id.name);
    }
  }
  users.registrations = uses.registrations();
  return users;
}

}  // namespace rekeyd::providers::azure
