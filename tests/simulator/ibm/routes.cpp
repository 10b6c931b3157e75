#include "tests/simulator/ibm/routes.hpp"

#include <array>

namespace rekeyd::sim::ibm {

namespace {

// Literal segments before `{}`: the first that fits wins.
constexpr std::array routes{
    Route{"HEAD", "keys", Need::reader, "keys.count", "Keys could not be counted", &count_keys},
    Route{"GET", "keys", Need::reader, "keys.list", "Keys could not be retrieved", &list_keys},
    Route{"POST", "keys", Need::writer, "keys.create", "Key could not be created", &create_key},
    Route{"POST", "keys_with_policy_overrides", Need::manager, "keys.create-with-policies",
          "Key could not be created", &create_key_with_policies},
    Route{"GET", "keys/registrations", Need::reader, "registrations.list",
          "Registrations could not be retrieved", &list_registrations},
    Route{"GET", "keys/{}", Need::reader_plus, "keys.get", "Key could not be retrieved", &get_key},
    Route{"PATCH", "keys/{}", Need::manager, "keys.patch", "Key could not be updated", &patch_key},
    Route{"DELETE", "keys/{}", Need::manager, "keys.delete", "Key could not be deleted", &delete_key},
    Route{"GET", "keys/{}/metadata", Need::reader, "keys.metadata", "Key could not be retrieved",
          &get_metadata},
    Route{"GET", "keys/{}/versions", Need::reader, "keys.versions", "Key versions could not be retrieved",
          &list_versions},
    Route{"POST", "keys/{}/restore", Need::manager, "keys.restore", "Key could not be restored", &restore},
    Route{"DELETE", "keys/{}/purge", Need::key_purge, "keys.purge", "Key could not be purged", &purge},
    Route{"POST", "keys/{}/actions/rotate", Need::writer, "keys.rotate",
          "Action could not be performed on key", &rotate},
    Route{"POST", "keys/{}/actions/wrap", Need::reader, "keys.wrap", "Wrap with key could not be performed",
          &wrap},
    Route{"POST", "keys/{}/actions/unwrap", Need::reader, "keys.unwrap",
          "Unwrap with key could not be performed", &unwrap},
    Route{"POST", "keys/{}/actions/rewrap", Need::reader, "keys.rewrap",
          "Rewrap with key could not be performed", &rewrap},
    Route{"POST", "keys/{}/actions/sync", Need::writer, "keys.sync",
          "Could not initiate sync requests to associated resources", &sync},
    Route{"POST", "keys/{}/actions/disable", Need::manager, "keys.disable", "Key could not be disabled",
          &disable},
    Route{"POST", "keys/{}/actions/enable", Need::manager, "keys.enable", "Key could not be enabled",
          &enable},
    Route{"POST", "keys/{}/actions/setKeyForDeletion", Need::writer, "keys.set-for-deletion",
          "Action could not be performed on key", &set_for_deletion},
    Route{"POST", "keys/{}/actions/unsetKeyForDeletion", Need::writer, "keys.unset-for-deletion",
          "Action could not be performed on key", &unset_for_deletion},
    Route{"GET", "keys/{}/policies", Need::manager, "policies.get", "Key policies could not be retrieved",
          &get_key_policies},
    Route{"PUT", "keys/{}/policies", Need::manager, "policies.put", "Key policy could not be set",
          &put_key_policies},
    Route{"GET", "keys/{}/registrations", Need::reader, "registrations.list",
          "Registrations could not be retrieved", &list_key_registrations},
    Route{"POST",
          "keys/{}/registrations/{}",
          Need::service,
          "registrations.write",
          "Registration could not be created",
          {}},
    Route{"PUT",
          "keys/{}/registrations/{}",
          Need::service,
          "registrations.write",
          "Registration could not be replaced",
          {}},
    Route{"PATCH",
          "keys/{}/registrations/{}",
          Need::service,
          "registrations.write",
          "Registration could not be updated",
          {}},
    Route{"DELETE",
          "keys/{}/registrations/{}",
          Need::service,
          "registrations.write",
          "Registration could not be deleted",
          {}},
    Route{"POST", "event_ack", Need::service, "events.acknowledge", "Event could not be acknowledged", {}},
    Route{"POST", "keys/{}/aliases/{}", Need::manager, "aliases.create", "Alias could not be created",
          &create_alias},
    Route{"DELETE", "keys/{}/aliases/{}", Need::manager, "aliases.delete", "Alias could not be deleted",
          &delete_alias},
    Route{"GET", "key_rings", Need::reader, "key-rings.list", "Key rings could not be retrieved",
          &list_key_rings},
    Route{"POST", "key_rings/{}", Need::writer, "key-rings.create", "Key ring could not be created",
          &create_key_ring},
    Route{"DELETE", "key_rings/{}", Need::manager, "key-rings.delete", "Key ring could not be deleted",
          &delete_key_ring},
    Route{"GET", "instance/policies", Need::manager, "instance-policies.get",
          "Instance policies could not be retrieved", &get_instance_policies},
    Route{"PUT", "instance/policies", Need::manager, "instance-policies.put",
          "Instance policy could not be created", &put_instance_policies},
    Route{"POST", "import_token", Need::writer, "import-token.create", "Import token could not be created",
          &create_import_token},
    Route{"GET", "import_token", Need::writer, "import-token.read", "Import token could not be retrieved",
          &get_import_token},
    Route{"GET", "instance/allowed_ip_port", Need::reader, "instance.allowed-ip-port",
          "Allowed IP port could not be retrieved", &get_allowed_ip_port},
};

using Segments = std::vector<std::string>;

std::optional<std::vector<std::string>> captures_of(std::string_view pattern, Segments const& segments) {
  std::vector<std::string> captures;
  for (auto const& segment : segments) {
    if (pattern.empty()) return std::nullopt;
    auto const slash = pattern.find('/');
    auto const expected = pattern.substr(0, slash);
    pattern = slash == std::string_view::npos ? std::string_view() : pattern.substr(slash + 1);
    if (expected == "{}" && !segment.empty())
      captures.push_back(segment);
    else if (expected != segment)
      return std::nullopt;
  }
  if (!pattern.empty()) return std::nullopt;
  return captures;
}

/// The segments under /api/v2, with the older form of the actions brought into today's.
std::optional<Segments> path_under_api(std::string_view method, Target const& target) {
  auto const& all = target.segments;
  if (all.size() < 3 || all[0] != "api" || all[1] != "v2") return std::nullopt;
  Segments path(all.begin() + 2, all.end());
  auto const action = target.param("action");
  if (method != "POST" || path.size() != 2 || path[0] != "keys" || !action) return path;
  if (*action != "restore") path.emplace_back("actions");
  path.push_back(*action);
  return path;
}

}  // namespace

std::optional<Match> find_route(std::string_view method, Target const& target) {
  auto const path = path_under_api(method, target);
  if (!path) return std::nullopt;
  for (auto const& route : routes) {
    if (route.method != method) continue;
    if (auto captures = captures_of(route.pattern, *path)) return Match{&route, std::move(*captures)};
  }
  return std::nullopt;
}

}  // namespace rekeyd::sim::ibm
