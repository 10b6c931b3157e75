#pragma once
#include "tests/simulator/azure/key.hpp"

#include <boost/json/fwd.hpp>

#include <string>

namespace rekeyd::sim::azure {

/// How a vault writes: where it is, and the habits of its kind.
struct Writing {
  VaultKind kind;
  std::string base;    ///< "https://payments-eu.vault.azure.net", as the client named it.
  Randomness& random;  ///< Managed HSM shuffles arrays between identical reads.
};

/// {"key","attributes","tags"?,"managed"?,"release_policy"?}
boost::json::object bundle_json(Key const& key, KeyVersion const& version, Writing const& writing);
/// An entry of a list: {"kid","attributes","tags"?,"managed"?}. In a list of keys the kid has no version.
boost::json::object item_json(Key const& key, KeyVersion const& version, bool with_version,
                              Writing const& writing);
/// Adds recoveryId, deletedDate and scheduledPurgeDate. Precondition: key.deleted.
void add_deletion(boost::json::object& object, Key const& key, Writing const& writing);

std::string key_id(Key const& key, KeyVersion const& version, Writing const& writing);

/// The last word on member order: Managed HSM sorts members by name at every level, Key Vault does not.
boost::json::object written(boost::json::object object, VaultKind kind);

}  // namespace rekeyd::sim::azure
