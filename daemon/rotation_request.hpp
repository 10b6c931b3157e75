#pragma once
#include "daemon/control/report.hpp"
#include "daemon/fleet.hpp"
#include "daemon/world.hpp"

#include <optional>
#include <string>
#include <variant>

namespace rekeyd::daemon {

/// The key that a person means: a full reference ("azure-prod/payments-eu/cmk-ledger"), or a name or id that
/// only one key has. not_found, or conflict naming the candidates.
Result<TrackedKey*> find_key_by_words(Fleet& fleet, std::string const& words);

/// Why a person's wish to rotate this key now cannot be met, if it cannot: a rotation under way, the
/// provider's floor (kept whoever asks), a key that is not ours to rotate. The calendar and the policy's mode
/// do not count: a person may rotate early, and a key that is only observed.
std::optional<Error> why_not_on_request(World& world, Fleet const& fleet, TrackedKey const& key);

/// What takes a key's place: one that is there, or is to be made.
using Successor = std::variant<TrackedKey*, WantedKey>;

/// The successor that a person names, if his wish can be met as far as can be told without asking a provider:
/// what the key has to be like is looked up there in the rotation. not_found, conflict (the key or its
/// successor has an unfinished rotation, or others are to move to the key) or permanent.
Result<Successor> find_successor(World& world, Fleet& fleet, TrackedKey& key, ReplaceRequest const& request);

Error no_such_rotation(RotationId const& id);
Error rotation_has_ended(Rotation const& rotation);

}  // namespace rekeyd::daemon
