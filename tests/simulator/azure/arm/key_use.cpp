#include "tests/simulator/azure/arm/key_use.hpp"

#include "tests/simulator/message.hpp"

#include <fmt/format.h>

namespace rekeyd::sim::azure::arm {

std::optional<Fault> version_fault(KeyUser const& user, KeyUrl const& key, KeyDirectory const& keys,
                                   Instant at) {
  std::string const url = key.to_text();
  if (user.identity_type == "None") {
    return Fault{"ManagedServiceIdentityNotFound",
                 fmt::format("Managed service identity associated with {} was not found.", user.name)};
  }
  if (!user.key_access)
    return Fault{"KeyVaultAccessForbidden", fmt::format("Access to key '{}' was denied.", url)};
  auto const facts = keys.find(key, at);
  if (!facts) return Fault{"KeyVaultKeyNotFound", fmt::format("Key '{}' was not found.", url)};
  if (!facts->rsa) return Fault{"InvalidParameter", fmt::format("Key '{}' is not an RSA key.", url)};
  if (!facts->enabled) return Fault{"KeyVaultKeyNotEnabled", fmt::format("Key '{}' is disabled.", url)};
  if (!facts->in_time(at)) return Fault{"KeyVaultKeyExpired", fmt::format("Key is expired: '{}'.", url)};
  return std::nullopt;
}

std::optional<KeyUrl> newer_version(KeyUser const& user, KeyUrl const& active, KeyDirectory const& keys,
                                    Instant at) {
  auto const current = keys.find({active.host, active.name, {}}, at);
  if (!current || lower(active.version) == current->version) return std::nullopt;
  KeyUrl newest{active.host, active.name, current->version};
  if (version_fault(user, newest, keys, at)) return std::nullopt;
  return newest;
}

}  // namespace rekeyd::sim::azure::arm
