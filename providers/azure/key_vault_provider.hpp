#pragma once
#include "providers/azure/key_vault.hpp"
#include "providers/azure/key_vault_json.hpp"
#include "providers/azure/rotation_policy.hpp"
#include "providers/azure/wrap_target.hpp"

#include <map>
#include <utility>

namespace rekeyd::providers::azure {

/// make_key_vault's class. One file for each thing it does: key_vault_read.cpp, key_vault_rotate.cpp,
/// key_vault_import.cpp, key_vault_delegate.cpp, key_vault_deks.cpp, key_vault_attributes.cpp.
class KeyVault final : public KmsProvider {
 public:
  KeyVault(ApiClient& client, CredentialSource& credentials, Clock& clock, Random& random,
           KeyVaultOptions options);

  ProviderName const& name() const override { return options_.name; }
  Capabilities const& capabilities(KeyRef const&) const override { return traits_.capabilities; }
  std::vector<VaultName> vaults() const override;

  boost::asio::awaitable<Result<KeyListing>> list_keys(VaultName vault, std::string cursor,
                                                       Clock::Mono deadline) override;
  boost::asio::awaitable<Result<KeyDescription>> describe(KeyRef key, Clock::Mono deadline) override;
  boost::asio::awaitable<Result<std::vector<Registration>>> registrations(KeyRef key,
                                                                          Clock::Mono deadline) override;
  boost::asio::awaitable<Result<Evidence>> preflight_rotate(RootKey key, Clock::Mono deadline) override;
  boost::asio::awaitable<Result<RotateReceipt>> rotate(RotateOrder order, Clock::Mono deadline) override;
  boost::asio::awaitable<Result<std::optional<KeyRef>>> find_created(CreateOrder order,
                                                                     Clock::Mono deadline) override;
  boost::asio::awaitable<Result<CreateReceipt>> create(CreateOrder order, Clock::Mono deadline) override;
  std::vector<std::string> inheritance_defects(RootKey const& before, RootKey const& after) const override;
  boost::asio::awaitable<Result<Rewrapped>> rewrap(WrappedDek dek, VersionId target, bool wrap_at_service,
                                                   Clock::Mono deadline) override;
  boost::asio::awaitable<Result<Secret>> unwrap(WrappedDek dek, Clock::Mono deadline) override;
  boost::asio::awaitable<Result<Rewrapped>> wrap(Secret plaintext, WrappedDek as, bool wrap_at_service,
                                                 Clock::Mono deadline) override;
  boost::asio::awaitable<Result<Evidence>> set_version_enabled(KeyRef key, VersionId version, bool enabled,
                                                               Clock::Mono deadline) override;
  boost::asio::awaitable<Result<Evidence>> set_version_expiry(KeyRef key, VersionId version, Instant expires,
                                                              Clock::Mono deadline) override;
  boost::asio::awaitable<Result<Evidence>> set_tags(KeyRef key, std::map<std::string, std::string> tags,
                                                    Clock::Mono deadline) override;
  boost::asio::awaitable<Result<Evidence>> set_provider_rotation(KeyRef key, std::optional<Months> every,
                                                                 Clock::Mono deadline) override;

 private:
  /// A key's vault and its name as paths want it.
  struct Place {
    VaultAddress const* vault{};
    std::string key;
    std::string path() const { return "/keys/" + key; }
    std::string text() const { return vault->endpoint.text() + path(); }
  };
  struct BundleReply {
    KeyBundle bundle;
    Evidence evidence;
    std::string where;
  };
  struct UnwrappedDek {
    Secret dek;
    Evidence evidence;
  };
  /// What a DEK is to be wrapped with.
  struct Wrapping {
    WrapTargetPtr target;
    std::string algorithm;
    bool at_service{};
  };

  // key_vault_read.cpp
  VaultAddress const* find_vault(VaultName const& name) const;
  Result<Place> place_of(KeyRef const& key) const;
  /// `version` empty: the current one. The answer names the key and version that were asked for.
  boost::asio::awaitable<Result<BundleReply>> get_key(Place place, std::string version, Clock::Mono deadline);
  boost::asio::awaitable<Result<std::vector<KeyItem>>> get_versions(Place place, Clock::Mono deadline);
  boost::asio::awaitable<Result<KeyDescription>> describe_deleted(Place place, Error missing,
                                                                  Clock::Mono deadline);
  boost::asio::awaitable<Result<RotationPolicyView>> get_policy(Place place, Clock::Mono deadline);
  boost::asio::awaitable<Result<std::optional<ProviderRotation>>> provider_rotation(Place place,
                                                                                    Clock::Mono deadline);
  RootKey root_key(Place const& place, KeyBundle const& bundle) const;
  RootKey listed_key(VaultAddress const& vault, KeyItem const& item) const;
  KeyRef ref_of(VaultAddress const& vault, std::string const& key) const;
  KeyState state_of(KeyAttributes const& attributes) const;

  // key_vault_rotate.cpp
  boost::asio::awaitable<Result<void>> check_version_budget(Place place, Evidence& evidence,
                                                            Clock::Mono deadline);
  /// Makes sure that the service will take the rotate call; sets a neutral policy only if `may_set`.
  boost::asio::awaitable<Result<void>> check_policy(Place place, KeyBundle const& bundle, bool may_set,
                                                    Evidence& evidence, Clock::Mono deadline);
  Result<RotateReceipt> read_receipt(Place const& place, VaultReply const& reply, KeyBundle const& before,
                                     std::string const& operation);

  // key_vault_delegate.cpp
  boost::asio::awaitable<Result<Evidence>> put_policy(Place place, RotationPolicyView before,
                                                      std::optional<Months> every, Clock::Mono deadline);

  // key_vault_attributes.cpp
  /// Changes what `body` names of one version. The answer names the version that was asked for.
  boost::asio::awaitable<Result<BundleReply>> update(Place place, std::string version, Body body,
                                                     Clock::Mono deadline);

  // key_vault_import.cpp
  boost::asio::awaitable<Result<Evidence>> preflight_import(Place place, BundleReply current,
                                                            Clock::Mono deadline);
  boost::asio::awaitable<Result<RotateReceipt>> import_version(Place place, KeyBundle current,
                                                               RotateOrder order, Clock::Mono deadline);

  // key_vault_create.cpp
  /// What to create, to be like the order's model as far as that can be read and described.
  boost::asio::awaitable<Result<CreateKey>> likeness(CreateOrder order, Clock::Mono deadline);

  // key_vault_deks.cpp
  boost::asio::awaitable<Result<WrapTargetPtr>> look_at_target(Place place, VersionId version,
                                                               Clock::Mono deadline);
  boost::asio::awaitable<Result<UnwrappedDek>> unwrap_at_service(Place place, WrappedDek dek,
                                                                 Clock::Mono deadline);
  boost::asio::awaitable<Result<Rewrapped>> wrap_unwrapped(Place place, WrappedDek as, UnwrappedDek unwrapped,
                                                           Wrapping wrapping, Clock::Mono deadline);
  boost::asio::awaitable<Result<Rewrapped>> wrap_at_service(Place place, WrappedDek dek,
                                                            std::string algorithm, Secret plaintext,
                                                            Clock::Mono deadline);
  Error not_visible_yet(Error error, std::string const& key_text, std::string const& version) const;

  VaultAccess access_;
  Clock& clock_;
  KeyVaultOptions options_;
  AzureTraits const& traits_;
  WrapTargetCache targets_;
  /// Versions that we made, and when: until they are visible everywhere a 404 is no verdict.
  std::map<std::pair<std::string, std::string>, Clock::Mono> made_here_;
};

/// KeyVersion as the workflow knows it.
KeyVersion key_version(KeyIdentifier const& id, KeyAttributes const& attributes,
                       std::map<std::string, std::string> const& tags);

}  // namespace rekeyd::providers::azure
