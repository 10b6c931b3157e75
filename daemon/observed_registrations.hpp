#pragma once
#include "policy/registration.hpp"
#include "storage/store.hpp"

#include <set>
#include <vector>

namespace rekeyd::daemon {

/// Rows and events that tell how the registrations of one key differ from what we knew of them: found, moved
/// to another version, gone, changed. Pure.
void tell_registrations(std::vector<Registration> const& before, std::vector<Registration> const& after,
                        Instant now, storage::Change& change);

/// Keys of one vault whose registrations a list of all of the vault's shows otherwise than `known`, which may
/// have those of other vaults as well. Pure.
std::set<KeyRef> keys_registered_otherwise(std::vector<Registration> const& known,
                                           std::vector<Registration> const& now, ProviderName const& provider,
                                           VaultName const& vault);

}  // namespace rekeyd::daemon
