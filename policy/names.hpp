#pragma once
#include <compare>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace rekeyd {

/// A string that is not just any string: a key version's id cannot be passed where a policy's name is
/// meant. Empty only when default-made.
template <class Tag>
class Name {
 public:
  Name() = default;
  explicit Name(std::string text) : text_(std::move(text)) {}
  std::string const& str() const { return text_; }
  bool empty() const { return text_.empty(); }
  auto operator<=>(Name const&) const = default;

 private:
  std::string text_;
};

using ProviderName = Name<struct ProviderNameTag>;  ///< A provider instance's name in rekeyd.yaml.
using VaultName = Name<struct VaultNameTag>;        ///< Azure: vault or HSM pool; IBM: service instance.
using KeyId = Name<struct KeyIdTag>;                ///< Azure: the key's name; IBM: its UUID.
using VersionId = Name<struct VersionIdTag>;        ///< The provider's id of one key version.
using PolicyName = Name<struct PolicyNameTag>;
using RotationId =
    Name<struct RotationIdTag>;  ///< Ours; also the operation id written into a version's tags.
using ResourceId = Name<struct ResourceIdTag>;      ///< ARM id, CRN, or "dek-store:NAME".
using DekStoreName = Name<struct DekStoreNameTag>;  ///< A wrapped-DEK store's name in rekeyd.yaml.
using MaterialSourceName =
    Name<struct MaterialSourceNameTag>;  ///< A key-material source's name in rekeyd.yaml.
using DekId = Name<struct DekIdTag>;     ///< One wrapped DEK within its store.

/// One root key, unambiguous over all clouds: "azure-prod/payments-eu/cmk-ledger".
/// Azure compares names without regard to case; the parts are kept in lower case there.
struct KeyRef {
  ProviderName provider;
  VaultName vault;
  KeyId id;
  auto operator<=>(KeyRef const&) const = default;

  std::string text() const { return provider.str() + "/" + vault.str() + "/" + id.str(); }
  /// Three non-empty parts separated by '/', or nothing.
  static std::optional<KeyRef> parse(std::string_view text);
};

}  // namespace rekeyd

template <class Tag>
struct std::hash<rekeyd::Name<Tag>> {
  std::size_t operator()(rekeyd::Name<Tag> const& name) const noexcept {
    return std::hash<std::string>{}(name.str());
  }
};

template <>
struct std::hash<rekeyd::KeyRef> {
  std::size_t operator()(rekeyd::KeyRef const& key) const noexcept {
    std::hash<std::string> const part;
    std::size_t seed = part(key.id.str());
    seed ^= part(key.vault.str()) + 0x9e3779b97f4a7c15ULL + (seed << 6) + (seed >> 2);
    seed ^= part(key.provider.str()) + 0x9e3779b97f4a7c15ULL + (seed << 6) + (seed >> 2);
    return seed;
  }
};
