#pragma once
#include "tests/simulator/azure/access_token.hpp"
#include "tests/simulator/azure/errors.hpp"
#include "tests/simulator/azure/key.hpp"
#include "tests/simulator/azure/key_directory.hpp"
#include "tests/simulator/azure/key_json.hpp"
#include "tests/simulator/azure/key_request.hpp"
#include "tests/simulator/azure/throttle.hpp"
#include "tests/simulator/message.hpp"
#include "tests/simulator/service.hpp"

#include <boost/json/fwd.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace rekeyd::sim::azure {

struct VaultSettings {
  std::string name;  ///< Also the first label of its host names.
  VaultKind kind{VaultKind::vault};
  std::string tenant;
  std::set<std::string> allowed_clients;  ///< Empty: every client of the tenant.
  std::string envelope_provider;          ///< The provider instance's name in seeded envelopes.
  /// Live services were seen to wrap and encrypt with a disabled key, against their documentation.
  bool disabled_keys_wrap{true};
  /// What rotate takes over beside type, size and operations: unconfirmed, so switchable.
  std::set<std::string> rotate_keeps{"tags", "exportable", "release_policy"};
  bool limits{false};  ///< Keep the published limits, with 429.
  Throttle::Windows windows{Throttle::Windows::sliding};
  std::shared_ptr<Throttle> subscription;  ///< Of all vaults of the subscription; null: HSM pools have none.
  std::optional<unsigned>
      retry_after;  ///< Seconds in Retry-After beside such a 429; unconfirmed, so optional.
};

/// One Key Vault or Managed HSM pool: the keys data plane, api-version 7.0 and newer.
class Vault : public Service {
 public:
  Vault(VaultSettings settings, TokenMint mint, Randomness& random, RsaPool& pool);

  bool serves(std::string_view host) const override;
  Answer handle(Request const& request, Instant now) override;
  std::vector<std::string> hosts() const override;
  Answer refusal(unsigned status, Request const& request) const override;
  boost::json::value state(Instant now) const override;
  std::vector<KeyTruth> keys_as_they_are(Instant now) const override;
  std::vector<SeededDek> seed_deks() override;
  void grow_older(std::chrono::seconds by, Instant now) override;
  std::optional<std::string> unwrap_check(Envelope const& envelope) const override;
  std::optional<Answer> control(Request const& request, Instant now) override;

  /// As Azure's other services see the key: see KeyDirectory.
  std::optional<KeyVersionFacts> facts(std::string const& name, std::string const& version, Instant at) const;
  void look_at(std::string const& name, Instant now);
  /// `listener` hears of every request that may change something here, before it does.
  void before_changes(std::function<void(Instant)> listener) { before_changes_ = std::move(listener); }

  /// Puts a key of the world file in. False when there is one of that name already.
  bool seed(Key key);

 private:
  struct Call {
    Request const& request;
    Target target;
    Instant now;
    Writing writing;
    bool too_old_for_rotation;  ///< api-version 7.0 to 7.2.
  };

  // vault.cpp: who may come in, and where a request goes.
  std::optional<Answer> challenge(Request const& request, Instant now) const;
  Answer demand_claims(Request const& request) const;
  Answer authenticate_first(std::string_view message, Request const& request) const;
  Answer route(Call const& call);
  Answer route_key(Call const& call);
  Answer route_version(Call const& call);
  Answer route_deleted(Call const& call);
  void add_headers(Answer& answer, Request const& request);
  bool allows(Work work, KeyShape const& shape, Instant now);
  /// The same with the shape of the key that the path names, if it names one.
  bool allows(Work work, Call const& call);
  Answer too_much(Work work) const;
  Answer ok(boost::json::object body, char const* operation) const;

  // vault_keys.cpp
  Answer create(Call const& call);
  Answer import_key(Call const& call);
  Answer get(Call const& call);
  Answer update(Call const& call);
  Or<Key*> key_for_new_version(std::string const& name, Instant now);
  Answer add_version(Call const& call, KeyVersion version, KeyChanges const& changes, char const* operation);
  KeyVersion& append(Key& key, KeyVersion version);
  Or<Key*> live_key(std::string const& name, Instant now);
  Or<KeyVersion*> version_of(Key& key, std::string const& id, Instant now);

  // vault_lists.cpp
  Answer list_keys(Call const& call);
  Answer list_versions(Call const& call);
  Answer list_deleted(Call const& call);
  Answer list_by_name(Call const& call, bool deleted, char const* operation);
  std::string next_link(Call const& call, std::string const& marker, unsigned size) const;

  // vault_rotation.cpp
  Answer rotate(Call const& call);
  Answer rotation_policy(Call const& call);
  Answer put_rotation_policy(Call const& call, Key& key);
  KeyVersion& rotate_key(Key& key, Instant at, Instant visible_from);
  void rotate_if_due(Key& key, Instant now);

  // vault_crypto.cpp
  Answer crypto(Call const& call);
  Answer random_bytes(Call const& call);

  // vault_deleted.cpp
  Answer remove(Call const& call);
  Answer deleted_key(Call const& call);
  Answer recover(Call const& call);
  Answer purge(Call const& call);

  VaultSettings settings_;
  TokenMint mint_;
  Randomness& random_;
  RsaPool& pool_;
  Throttle throttle_;
  std::function<void(Instant)> before_changes_;
  std::map<std::string, Key> keys_;  ///< By name in lower case; the deleted ones too.
  std::string challenge_resource_;   ///< What the challenge says in the place of the right one; empty: that.
  Instant revoked_{};                ///< Tokens must answer a claims challenge of that moment or later.
};

}  // namespace rekeyd::sim::azure
