#pragma once
#include "policy/instant.hpp"

#include <boost/json/fwd.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The model of the clouds. Pure: requests in, answers out, time as an argument; no sockets, no clock, no
/// threads. tests/simulator/https_server serves it over real HTTPS; tests call it directly.
namespace rekeyd::sim {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method;
  std::string host;       ///< Lower case, without port.
  std::string authority;  ///< The Host header as sent, port included: for URLs in answers.
  std::string target;     ///< Path and query as sent.
  Headers headers;
  std::string body;

  /// Verdicts of the fault rules that only the service can carry out.
  bool token_expired{false};    ///< Answer as if the bearer token had just expired.
  std::chrono::seconds lag{0};  ///< What this request makes is seen by reads only after this time.

  /// The first header of that name (any case), or empty.
  std::string_view header(std::string_view name) const;
};

struct Answer {
  unsigned status{200};
  Headers headers;
  std::string body;
  std::string operation{};  ///< What was asked, for the counts in /state ("keys.rotate"); not sent.
};

/// One wrapped DEK, as the envelope files of a DEK store hold it.
struct Envelope {
  std::string provider;  ///< The provider instance's name in rekeyd.yaml.
  std::string vault;     ///< Azure: vault or pool; IBM: the instance's name.
  std::string key;       ///< Azure: key name; IBM: key id.
  std::string key_version;
  std::string algorithm;  ///< "RSA-OAEP-256", "A256KW", ...; IBM: empty.
  std::string wdek;       ///< As the provider writes it (base64url or base64).
  std::vector<std::string> aad;
};

/// A DEK that the world file asked for (`deks: N`), wrapped under its key's current version.
struct SeededDek {
  Envelope envelope;
  std::string dek_sha256;  ///< Lower-case hex of the SHA-256 of the DEK: the same before and after a rewrap.
};

/// A key as it is, whatever reads may see of it: what state() shows, for callers who look often.
struct KeyTruth {
  struct Version {
    std::string id;
    Instant created;
    bool enabled{true};
  };
  struct Registration {
    std::string resource;
    std::string version;
    bool prevents_deletion{};
  };
  std::string reference;          ///< "PROVIDER/VAULT/KEY"; Azure's key names in lower case.
  std::vector<Version> versions;  ///< As the service keeps them.
  std::string current;
  bool usable{true};  ///< Neither disabled nor deleted as a whole.
  bool root{true};    ///< False for a certificate's key.
  std::vector<Registration> registrations;
};

/// A virtual machine as it is, whatever reads may see of it; one that was deleted stays.
struct VmTruth {
  /// A time in which it was not there for its users: from the accepted stop until it ran again.
  struct Stop {
    Instant from;
    std::string by;  ///< The client's id; "people" (control host); "platform" (its key is gone).
    std::optional<Instant> until;  ///< Nothing: it has not run since.
    std::string resumed_by;
  };
  std::string id;     ///< In lower case.
  std::string power;  ///< As after "PowerState/", or "deleted".
  bool confidential{};
  std::string disk_encryption_set;  ///< Its id in lower case; empty: none.
  std::string key_version;  ///< URL of the version that its disks are wrapped with; empty: no such set.
  bool can_start{true};     ///< Whether a start now would find that version usable.
  std::vector<Stop> stops;
};

/// A disk encryption set as it is.
struct DesTruth {
  std::string id;  ///< In lower case.
  std::string encryption_type;
  std::string active_key;  ///< URLs, as the set names them.
  std::vector<std::string> previous_keys;
  std::string provisioning_state;
  bool follows{};   ///< rotationToLatestKeyVersionEnabled
  bool changing{};  ///< A change is under way.
  bool complete{};  ///< All of its machines are on `active_key`, and no change is under way.
};

/// A storage account or a SQL server under a customer's key.
struct ConsumerTruth {
  std::string id;                 ///< In lower case.
  std::string key;                ///< URL of the version in use; empty: Microsoft's own.
  std::vector<std::string> kept;  ///< What it had before and its backups need; URLs.
};

/// What hangs on the keys of a world.
struct ResourceTruth {
  std::vector<VmTruth> virtual_machines;
  std::vector<DesTruth> disk_encryption_sets;
  std::vector<ConsumerTruth> consumers;
};

/// One cloud service with its state.
class Service {
 public:
  virtual ~Service() = default;
  /// Does this service answer under that host name (real or loopback)?
  virtual bool serves(std::string_view host) const = 0;
  virtual Answer handle(Request const& request, Instant now) = 0;

  /// Every host name that serves() accepts, for the server's certificate.
  virtual std::vector<std::string> hosts() const = 0;
  /// The service's own way of saying 429, 500, 502 or 503, for the fault rules. Changes nothing.
  virtual Answer refusal(unsigned status, Request const& request) const = 0;
  /// Everything that a test compares with: keys, versions, their states. No key material.
  virtual boost::json::value state(Instant now) const = 0;
  /// Of all keys that have versions.
  virtual std::vector<KeyTruth> keys_as_they_are(Instant) const { return {}; }
  /// Of all machines and disk encryption sets, at that moment.
  virtual ResourceTruth resources_as_they_are(Instant) const { return {}; }
  /// Makes and wraps the DEKs that the world file asked for. Called at most once.
  virtual std::vector<SeededDek> seed_deks() = 0;
  /// What the control host is asked to do in this service's own world; nothing: it is not for this one.
  virtual std::optional<Answer> control(Request const& request, Instant now);
  /// All that has happened in this service's world so far happened so much earlier, as if time had passed.
  virtual void grow_older(std::chrono::seconds /*by*/, Instant /*now*/) {}
  /// The proof of a WDEK: SHA-256 (lower-case hex) of the DEK in it, whatever state the key version is in.
  /// Nothing when the key is not this service's, or the WDEK does not unwrap with just that version and AAD.
  virtual std::optional<std::string> unwrap_check(Envelope const& envelope) const = 0;
};

}  // namespace rekeyd::sim
