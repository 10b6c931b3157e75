#pragma once
#include "tests/simulator/azure/arm/power.hpp"

/// The change of a disk encryption set, asked or by itself.
namespace rekeyd::sim::azure::arm {

/// What a PATCH or PUT asks for. Absent: stays as it is.
struct SetChange {
  std::optional<KeyUrl> key;
  std::string source_vault;  ///< Beside `key`.
  std::optional<bool> follows;
  std::optional<std::string> encryption_type;
  std::optional<std::string> identity_type;
  std::optional<std::vector<std::string>> user_identities;
  std::optional<Tags> tags;
  std::optional<std::string> federated_client;  ///< Empty clears it.

  /// Only tags: done at once, without an operation.
  bool only_tags() const;
};

/// The machines, scale-set instances among them, whose disks are under the set.
std::vector<VirtualMachine*> machines_of(DiskEncryptionSet const& set, Estate& estate);

/// The rules that are kept before anything begins.
std::optional<Objection> objection_to(SetChange const& change, DiskEncryptionSet const& set, Estate& estate);

void apply_tags(SetChange const& change, DiskEncryptionSet& set);

/// Takes the change up: from now on the set is "Updating". Precondition: no objection.
void begin(SetChange const& change, Operation operation, DiskEncryptionSet& set, Estate& estate,
           Settings const& settings);

void end_change(Operation& operation, Estate& estate, KeyDirectory const& keys, Instant at);

/// Whether all of its machines are on the active key, and no change is under way.
bool is_complete(DiskEncryptionSet const& set, Estate const& estate);

/// The set's hourly look at its key, if it follows.
void follow(DiskEncryptionSet& set, Estate& estate, KeyDirectory const& keys, Instant at);

}  // namespace rekeyd::sim::azure::arm
