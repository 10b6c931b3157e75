#pragma once
#include "policy/instant.hpp"
#include "policy/key.hpp"
#include "policy/rotation_policy.hpp"

#include <date/tz.h>

#include <string>
#include <vector>

/// Keys, versions and policies with as few words as a test needs.
namespace rekeyd::test {

inline Instant at(char const* text) { return parse_rfc3339(text).value(); }

inline RootKey a_key(std::string const& name, std::string const& vault = "payments-eu",
                     std::string const& provider = "azure-prod") {
  RootKey key;
  key.ref = {ProviderName(provider), VaultName(vault), KeyId(name)};
  key.name = name;
  return key;
}

inline KeyVersion a_version(std::string const& id, char const* created) {
  KeyVersion version;
  version.id = VersionId(id);
  version.created = at(created);
  return version;
}

inline RotationPolicy a_policy(std::string const& name, KeySelector match, int months) {
  RotationPolicy policy{.name = PolicyName(name), .match = std::move(match), .every = *Months::of(months)};
  policy.zone = date::locate_zone("UTC");
  policy.place = {name + ".yaml", 3, 5};
  return policy;
}

}  // namespace rekeyd::test
