#pragma once
#include "policy/registration.hpp"
#include "storage/store.hpp"

#include <vector>

namespace rekeyd::daemon {

/// Rows and events that tell how the registrations of one key differ from what we knew of them: found, moved
/// to another version, gone, changed. Pure.
void tell_registrations(std::vector<Registration> const& before, std::vector<Registration> const& after,
                        Instant now, storage::Change& change);

}  // namespace rekeyd::daemon
