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
/// certificate, or its type is one we do not know.
std::optional<Error> refuse_rotation(KeyBundle const& key, std::string const& where);

/// By its tag, or because the service shows that its material lives elsewhere.
bool is_marked_imported(KeyBundle const& key);

/// Why new material cannot be imported into this key, as a permanent error, or nothing: it lives outside
/// Azure, it is of a type that is not imported, its tags leave no room for the operation id.
std::optional<Error> refuse_import(KeyBundle const& key, std::string const& where);

/// next_version(), marked as imported if there is room for the tag.
CreateKey next_imported_version(KeyBundle const& key, RotationId const& operation, Instant now);

/// The tags that a new version carries on: all but ours that tell how `key` came about.
std::map<std::string, std::string> inherited_tags(KeyBundle const& key);

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
