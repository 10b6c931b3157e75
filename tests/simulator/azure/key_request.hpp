#pragma once
#include "tests/simulator/azure/errors.hpp"
#include "tests/simulator/azure/key.hpp"

#include <boost/json/fwd.hpp>

#include <optional>
#include <string>
#include <vector>

/// What clients send about a key, checked member by member; refusals are the service's own 400.
namespace rekeyd::sim::azure {

/// The members that create, import and update share. Absent means: not said.
struct KeyChanges {
  std::optional<std::vector<std::string>> key_ops;
  std::optional<bool> enabled;
  std::optional<bool> exportable;
  std::optional<std::optional<Instant>> not_before;  ///< An inner nothing (JSON null) clears it.
  std::optional<std::optional<Instant>> expires;
  std::optional<Tags> tags;
  std::optional<std::string> release_policy;  ///< Normalised JSON text.
};
Or<KeyChanges> parse_changes(boost::json::object const& body);

/// What a create asks for.
struct KeyCreation {
  KeyShape shape;
  KeyChanges changes;
};
Or<KeyCreation> parse_create(boost::json::object const& body, VaultKind kind);

/// What an import brings.
struct KeyImport {
  KeyShape shape;
  KeyMaterial material;
  KeyChanges changes;
};
Or<KeyImport> parse_import(boost::json::object const& body, VaultKind kind);

/// Applies the changes to a version: lists and tags replaced whole, attributes one by one. Nothing on
/// success, the refusal when the result would break a rule (then the version is as it was).
std::optional<Answer> apply(KeyChanges const& changes, KeyVersion& version);

/// "^[0-9a-zA-Z-]+$", 1 to 127 characters.
bool is_key_name(std::string_view name);

/// Whether that kind of vault keeps keys of that type.
bool takes(VaultKind kind, KeyShape const& shape);
/// The length of RSA and symmetric keys, or the curve, that the services know.
bool is_known_size(KeyShape const& shape);

}  // namespace rekeyd::sim::azure
