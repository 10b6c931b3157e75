#pragma once
#include "providers/http/admission.hpp"
#include "providers/ibm/key_protect.hpp"
#include "providers/ibm/key_protect_json.hpp"

#include <map>
#include <memory>

namespace rekeyd::providers::ibm {

/// make_key_protect's class. key_protect_read.cpp reads, key_protect_registrations.cpp knows of what uses
/// keys, key_protect_act.cpp rotates and moves wrapped DEKs, key_protect_import.cpp knows of imported
/// material, key_protect_delegate.cpp of rotations by the service.
class KeyProtect final : public KmsProvider {
 public:
  KeyProtect(ApiClient& client, CredentialSource& credentials, Clock& clock, Random& random,
             KeyProtectOptions options);

  ProviderName const& name() const override { return options_.name; }
  Capabilities const& capabilities(KeyRef const&) const override { return flavour_.capabilities; }
  std::vector<VaultName> vaults() const override;

  boost::asio::awaitable<Result<KeyListing>> list_keys(VaultName vault, std::string cursor,
                                                       Clock::Mono deadline) override;
  boost::asio::awaitable<Result<KeyDescription>> describe(KeyRef key, Clock::Mono deadline) override;
  boost::asio::awaitable<Result<std::vector<Registration>>> registrations(KeyRef key,
                                                                          Clock::Mono deadline) override;
  boost::asio::awaitable<Result<std::vector<Registration>>> vault_registrations(
      VaultName vault, Clock::Mono deadline) override;
  boost::asio::awaitable<Result<Evidence>> sync_registrations(KeyRef key, Clock::Mono deadline) override;
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
  boost::asio::awaitable<Result<Evidence>> set_provider_rotation(KeyRef key, std::optional<Months> every,
                                                                 Clock::Mono deadline) override;

 private:
  struct Place {
    InstanceAddress const* instance{};
    std::string id;
    std::string path() const;
  };
  struct KeyReply {
    KeyRecord record;
    Evidence evidence;
    std::string where;
  };
  struct DekReply {
    DekAnswer answer;
    Evidence evidence;
    std::string where;
  };

  InstanceAddress const* find_instance(VaultName const& name) const;
  Result<Place> place_of(KeyRef const& key) const;
  boost::asio::awaitable<Result<KeyReply>> get_metadata(Place place, Clock::Mono deadline);
  boost::asio::awaitable<Result<std::vector<VersionRecord>>> get_versions(Place place, Clock::Mono deadline);
  boost::asio::awaitable<Result<std::vector<VersionRecord>>> get_versions(Place place, bool all_states,
                                                                          Clock::Mono deadline);
  boost::asio::awaitable<Result<DekReply>> dek_action(WrappedDek const& dek, std::string action,
                                                      Clock::Mono deadline);
  std::optional<Error> refuse_rotation(KeyRecord const& record, std::string const& where) const;

  // key_protect_registrations.cpp
  /// All pages of that list; of one key, or of all of the vault where the id is empty.
  boost::asio::awaitable<Result<std::vector<Registration>>> list_registrations(
      InstanceAddress const& instance, std::string path, KeyRef key, Clock::Mono deadline);

  // key_protect_import.cpp
  boost::asio::awaitable<Result<InstanceReply>> send_rotate(Place place, KeyMaterialPtr material,
                                                            Clock::Mono deadline);
  boost::asio::awaitable<Result<InstanceReply>> send_sealed(Place place, KeyMaterialPtr material,
                                                            Clock::Mono deadline);
  boost::asio::awaitable<Result<ImportToken>> new_import_token(Place place, Clock::Mono deadline);

  InstanceAccess access_;
  Clock& clock_;
  KeyProtectOptions options_;
  IbmFlavour const& flavour_;
  /// An instance has one import token: a second one takes the place of the first, so they are used in turn.
  std::map<VaultName, std::unique_ptr<Admission>> import_turns_;
};

/// Why these two do not go together, as a permanent error: an imported key's next version needs material, a
/// generated one's takes none. Key Protect takes symmetric keys only.
std::optional<Error> refuse_material(Origin origin, KeyMaterial const* material, std::string const& where);

/// {"payload":"BASE64"} in wiped memory.
Body write_rotate_request(Secret const& material);

/// {"enabled":true,"interval_month":N}, or {"enabled":false}, in the policies' envelope.
Body write_rotation_policy(std::optional<Months> every);

/// A failure that no request could mend; nothing was sent.
Error misuse(ErrorClass error_class, std::string what, std::string remedy, std::string where);

}  // namespace rekeyd::providers::ibm
