#pragma once
#include "tests/simulator/azure/arm/estate.hpp"

/// What it takes for a resource to use a version of a key.
namespace rekeyd::sim::azure::arm {

struct KeyUser {
  std::string name;  ///< For messages: "DiskEncryptionSet 'des1'".
  std::string identity_type;
  bool key_access{};
};

/// Why the user's identity could not wrap with that version at that moment. The codes come from third
/// parties' notes: unconfirmed.
std::optional<Fault> version_fault(KeyUser const& user, KeyUrl const& key, KeyDirectory const& keys,
                                   Instant at);

/// The newest version, when it is another one than `active` and the user can use it.
std::optional<KeyUrl> newer_version(KeyUser const& user, KeyUrl const& active, KeyDirectory const& keys,
                                    Instant at);

}  // namespace rekeyd::sim::azure::arm
