#pragma once
#include "tests/simulator/crypto.hpp"
#include "tests/simulator/ibm/flavour.hpp"
#include "tests/simulator/ibm/key.hpp"
#include "tests/simulator/ibm/oddities.hpp"
#include "tests/simulator/ibm/throttle.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rekeyd::sim::ibm {

struct Alias {
  std::string key_id;
  Stamp created;
};

/// One instance policy; which members mean something depends on its type.
struct InstancePolicy {
  bool enabled{};
  std::optional<int> interval_month{};        ///< rotation
  std::map<std::string, bool> permissions{};  ///< keyCreateImportAccess
  std::string allowed_network{};              ///< allowedNetwork
  std::vector<std::string> allowed_ip{};      ///< allowedIP
  Stamp created{};
  Stamp updated{};
};

/// The one import token that an instance may have.
struct ImportToken {
  RsaKey key;
  std::string nonce;
  Instant created{};
  std::chrono::seconds life{};
  int retrievals_max{};
  int retrievals{};
};

/// One service instance: its keys and everything that hangs on them.
class Instance {
 public:
  struct Settings {
    std::string name;  ///< What envelopes call the vault.
    std::string id;    ///< The GUID that Bluemix-Instance names.
    std::string region;
    std::string account;
    Flavour const* flavour{};
    std::string envelope_provider{};
    std::optional<unsigned> port{};                      ///< HPCS's old host names: one port per instance.
    bool initialised{true};                              ///< Dedicated: are there crypto units?
    std::optional<Instant> master_key_rotation_until{};  ///< HPCS: create and rotate fail until then.
    Throttle throttle{};
    Oddities oddities{};
  };

  Instance(Settings settings, Randomness& random, Instant now);

  Settings const& settings() const { return settings_; }
  Flavour const& flavour() const { return *settings_.flavour; }
  Randomness& random() const { return random_; }
  Throttle& throttle() { return settings_.throttle; }
  std::string date(Instant instant) const { return to_text(settings_.oddities.dates, instant); }
  std::string crn(std::string_view kind, std::string_view id) const;
  bool master_key_rotates(Instant now) const;

  /// By id or alias, brought up to `now`; nothing for a key that is purged or not yet seen.
  Key* find(std::string_view id_or_alias, Instant now);
  /// Every key, brought up to `now`, ordered by id. The purged ones are gone.
  std::map<std::string, Key, std::less<>>& keys(Instant now);
  std::map<std::string, Key, std::less<>> const& keys_as_they_are() const { return keys_; }
  Key& add(Key key);
  void purge(Key const& key);

  std::map<std::string, Alias, std::less<>> aliases;
  std::map<std::string, Stamp, std::less<>> key_rings;
  std::map<std::string, InstancePolicy, std::less<>> policies;
  std::optional<ImportToken> import_token;

  /// The policy of that type if it is there and enabled.
  InstancePolicy const* policy_in_force(std::string_view type) const;

 private:
  void forget_aliases(Key const& key);

  Settings settings_;
  Randomness& random_;
  std::map<std::string, Key, std::less<>> keys_;
};

}  // namespace rekeyd::sim::ibm
