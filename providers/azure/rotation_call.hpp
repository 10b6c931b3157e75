#pragma once
#include "policy/error.hpp"
#include "policy/names.hpp"
#include "providers/azure/key_vault_json.hpp"

#include <string>

namespace rekeyd::providers {

/// How a new key version is asked for; docs/rotation-call.md tells the trade.
enum class AzureRotateBy {
  automatic,  ///< create where the new version can be described fully, else rotate.
  create,     ///< Carries our operation id, so a lost answer can be settled beyond doubt. Inherits nothing.
  rotate,     ///< Inherits what the service lets it inherit. Has no place for an operation id.
};

namespace azure {

enum class RotationCall { create, rotate };
char const* to_text(RotationCall call);

/// Why a key cannot be given a new version by us at all, as a permanent error, or nothing: it belongs to a
/// certificate, its material was imported (a new version needs new material from its owner), its type is one
/// we do not know.
std::optional<Error> refuse_rotation(KeyBundle const& key, std::string const& where);

/// What keeps `create` from describing a version like `key`, as a clause ("it has 15 tags already ...");
/// empty when nothing does.
std::string undescribable(KeyBundle const& key);

/// The call for this key. Permanent error when `create` is demanded and cannot be.
Result<RotationCall> choose_rotation_call(AzureRotateBy by, KeyBundle const& key, std::string const& where);

/// The version after `key`: same type, size, operations, tags, exportability and release policy; if `key` has
/// an expiry, the same lifetime again from `now`. nbf is not carried on: a current version must be usable at
/// once. Precondition: undescribable(key) is empty.
CreateKey next_version(KeyBundle const& key, RotationId const& operation, Instant now);

/// Expiry minus creation, if there is an expiry.
std::optional<std::chrono::seconds> lifetime_of(KeyBundle const& key);

}  // namespace azure
}  // namespace rekeyd::providers
