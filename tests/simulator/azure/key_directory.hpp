#pragma once
#include "policy/instant.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace rekeyd::sim::azure {

/// "https://kv1.vault.azure.net/keys/root/0a1b…" taken apart.
struct KeyUrl {
  std::string host;     ///< Lower case, without port.
  std::string name;     ///< As written.
  std::string version;  ///< As written; empty: the URL names none.

  std::string to_text() const;
  bool operator==(KeyUrl const& other) const;  ///< Host, name and version in any case.
};

/// Nothing when it is not the https URL of a key, with or without a version.
std::optional<KeyUrl> parse_key_url(std::string_view text);

/// What services that use a key see of one of its versions.
struct KeyVersionFacts {
  std::string version;
  bool rsa{};
  bool hsm{};
  bool enabled{};
  bool releasable{};  ///< Exportable and with a release policy: a confidential VM can boot from it.
  std::optional<Instant> not_before;
  std::optional<Instant> expires;
  Instant created;

  bool in_time(Instant now) const {
    return (!not_before || *not_before <= now) && (!expires || now < *expires);
  }
};

/// The vaults of a world, as Azure's other services see their keys: reading only, whatever their rights.
class KeyDirectory {
 public:
  virtual ~KeyDirectory() = default;
  /// Nothing when there is no such vault, key or version at that moment, or the key is deleted. A URL without
  /// a version stands for the one that was current then.
  virtual std::optional<KeyVersionFacts> find(KeyUrl const& key, Instant at) const = 0;
  /// Somebody looks: a rotation that the key's own policy has made due happens.
  virtual void look_at(KeyUrl const& key, Instant now) = 0;
};

}  // namespace rekeyd::sim::azure
