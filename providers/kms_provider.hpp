#pragma once
#include "policy/error.hpp"
#include "policy/key.hpp"
#include "policy/registration.hpp"
#include "providers/material/key_material.hpp"
#include "providers/secret.hpp"
#include "providers/system/clock.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace rekeyd::providers {

/// What a provider proves of a call: goes into the history as it is.
struct Evidence {
  std::string operation;        ///< "POST /keys/cmk/rotate"
  std::string request_id;       ///< The provider's own.
  std::string correlation_id;   ///< Ours, echoed by the provider.
  std::optional<Instant> date;  ///< The provider's `Date`.
  std::map<std::string, std::string>
      notes;  ///< What was done besides, e.g. "neutral_rotation_policy": "set".
};

/// What a provider can do. The workflow asks here and never asks for a provider's name.
struct Capabilities {
  std::string kind;               ///< "azure-key-vault", "azure-managed-hsm", "ibm-key-protect", ...
  bool rewrap_hides_plaintext{};  ///< The service re-wraps; the DEK never leaves it.
  std::optional<std::chrono::seconds> rotation_floor;  ///< Least time between two rotations of one key.
  std::chrono::seconds visibility_lag{};               ///< How late a new version may show up in readings.
  std::optional<unsigned> versions_max;                ///< Hard limit of versions a key.
  std::optional<unsigned> versions_warning;            ///< From here on something else breaks (backup).
  bool deactivated_may_rotate{};
  bool versions_are_billed{};  ///< Each, for as long as its key exists.
  bool versions_expire{};      ///< An expiry can be set for one version of a key.
  bool versions_can_be_disabled{};
  bool tags_can_be_set{};
  bool rotates_by_itself{};         ///< set_provider_rotation() works.
  std::optional<int> month_days{};  ///< Days in a month of that; nothing: calendar months.
  bool tells_origin{};         ///< Whether a key's material was imported; else a tag or the policy says so.
  bool tells_registrations{};  ///< It keeps a list of what uses a key; else a ResourceController may know.
};

/// One key as a listing shows it; `key` is complete enough to match policies.
struct KeyListing {
  std::vector<RootKey> keys;     ///< A page may repeat a key of an earlier one.
  std::string next;              ///< Opaque cursor of the next page; empty at the end.
  std::vector<Error> defects{};  ///< Entries that could not be read: those keys fail, the others are good.
};

struct KeyDescription {
  RootKey key;
  std::vector<KeyVersion> versions;  ///< Oldest first; not empty.
};

struct RotateOrder {
  RotationId operation;  ///< Written into the version where the provider has a place for it.
  RootKey key;           ///< As last read: what the new version must inherit.
  /// What to import. Null: the provider makes the material, and an imported key is refused.
  std::shared_ptr<KeyMaterial const> material{};
};

struct RotateReceipt {
  std::optional<KeyVersion> version;  ///< The new version if the answer names it.
  Evidence evidence;
};

/// A root key to be made like another one, perhaps of another provider.
struct CreateOrder {
  RotationId operation;  ///< Written into the key, so that it is found again.
  VaultName vault;
  std::string name;
  RootKey like;  ///< As last read: type, operations, and what else the new key can have of it.
};

struct CreateReceipt {
  KeyRef key;
  Evidence evidence;
};

/// A wrapped DEK, moved to the current key version. Same DEK.
struct Rewrapped {
  WrappedDek dek;
  Evidence evidence;
};

/// One KMS at one provider instance. Reads are repeated by the implementation; rotate is sent at most once
/// per call, and its error's `delivery` says whether it may have taken effect.
class KmsProvider {
 public:
  virtual ~KmsProvider() = default;
  virtual ProviderName const& name() const = 0;
  virtual Capabilities const& capabilities(KeyRef const& key) const = 0;
  /// Vaults, pools or service instances of this provider instance.
  virtual std::vector<VaultName> vaults() const = 0;

  /// One page of root keys; standard keys and other secrets are left out. Start with an empty cursor.
  virtual boost::asio::awaitable<Result<KeyListing>> list_keys(VaultName vault, std::string cursor,
                                                               Clock::Mono deadline) = 0;
  /// The key now, with all its versions. A key that is gone or soft-deleted is state destroyed if the
  /// provider still tells of it, else not_found.
  virtual boost::asio::awaitable<Result<KeyDescription>> describe(KeyRef key, Clock::Mono deadline) = 0;
  virtual boost::asio::awaitable<Result<std::vector<Registration>>> registrations(KeyRef key,
                                                                                  Clock::Mono deadline) = 0;

  /// Of all keys of a vault at once, where capabilities() say that registrations are told. Pages may shift
  /// meanwhile: of a key whose registrations differ from what is known, registrations() tells the truth.
  virtual boost::asio::awaitable<Result<std::vector<Registration>>> vault_registrations(VaultName vault,
                                                                                        Clock::Mono deadline);
  /// Asks the services that have registered with the key to take its current version up. It changes nothing
  /// at the key and may be repeated; asked too early, the error's `retry_after` says when it may be.
  virtual boost::asio::awaitable<Result<Evidence>> sync_registrations(KeyRef key, Clock::Mono deadline);

  /// Can a rotation succeed? Reads only; a refusal is a permanent or access error that says what to do.
  /// Whether there is material for an imported key is its source's to say.
  virtual boost::asio::awaitable<Result<Evidence>> preflight_rotate(RootKey key, Clock::Mono deadline) = 0;
  /// Makes a new key version, which becomes the current one.
  virtual boost::asio::awaitable<Result<RotateReceipt>> rotate(RotateOrder order, Clock::Mono deadline) = 0;
  /// Can a key be made so? Reads only; permanent error: it cannot, and why. conflict: somebody else's key has
  /// that name, where names are unique. A key: `order.operation` has made it already.
  virtual boost::asio::awaitable<Result<std::optional<KeyRef>>> find_created(CreateOrder order,
                                                                             Clock::Mono deadline) = 0;
  /// Makes it. Sent at most once per call; an error's `delivery` says whether it may be there all the same.
  virtual boost::asio::awaitable<Result<CreateReceipt>> create(CreateOrder order, Clock::Mono deadline) = 0;
  /// Does `after` carry on what `before` had (operations, expiry, exportable, release policy, tags)? A list
  /// of sentences, empty when fit for use.
  virtual std::vector<std::string> inheritance_defects(RootKey const& before, RootKey const& after) const = 0;

  /// Wraps `dek` anew under version `target`, which must be the current and enabled version of its key.
  virtual boost::asio::awaitable<Result<Rewrapped>> rewrap(WrappedDek dek, VersionId target,
                                                           bool wrap_at_service, Clock::Mono deadline) = 0;
  virtual boost::asio::awaitable<Result<Secret>> unwrap(WrappedDek dek, Clock::Mono deadline) = 0;
  /// Wraps a DEK that another key has wrapped so far, under `as.version` of `as.key`, which must be its
  /// current and enabled version. Id and additional data are those of `as`; its algorithm is what was used
  /// there.
  virtual boost::asio::awaitable<Result<Rewrapped>> wrap(Secret plaintext, WrappedDek as,
                                                         bool wrap_at_service, Clock::Mono deadline) = 0;

  virtual boost::asio::awaitable<Result<Evidence>> set_version_enabled(KeyRef key, VersionId version,
                                                                       bool enabled,
                                                                       Clock::Mono deadline) = 0;
  /// These and the one above set a state and may be repeated. A provider that has no such thing
  /// (capabilities()) refuses with a permanent error, and nothing is sent.
  virtual boost::asio::awaitable<Result<Evidence>> set_version_expiry(KeyRef key, VersionId version,
                                                                      Instant expires, Clock::Mono deadline);
  /// Changes or adds these tags at the key's current version, and leaves the others as they are.
  virtual boost::asio::awaitable<Result<Evidence>> set_tags(KeyRef key,
                                                            std::map<std::string, std::string> tags,
                                                            Clock::Mono deadline);
  /// How often the provider itself rotates the key; nothing: not at all.
  virtual boost::asio::awaitable<Result<Evidence>> set_provider_rotation(KeyRef key,
                                                                         std::optional<Months> every,
                                                                         Clock::Mono deadline);
};

}  // namespace rekeyd::providers
