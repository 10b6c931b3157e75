#pragma once
#include "policy/instant.hpp"
#include "tests/simulator/azure/rotation_policy.hpp"
#include "tests/simulator/crypto.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rekeyd::sim {
class Randomness;
class RsaPool;
}  // namespace rekeyd::sim

namespace rekeyd::sim::azure {

enum class VaultKind { vault, managed_hsm };

enum class KeyType { rsa, ec, oct };

/// What a key is made of: "RSA-HSM" 3072, "EC" P-256, "oct-HSM" 256.
struct KeyShape {
  KeyType type{KeyType::rsa};
  bool hsm{false};
  unsigned bits{2048};  ///< EC: 0.
  std::string curve;    ///< EC only.

  std::string kty() const;
};

/// "RSA-HSM" → type and hsm. Nothing for an unknown word.
std::optional<KeyShape> shape_from_kty(std::string_view kty);
/// Every operation that a key of that type can do, in the service's order.
std::vector<std::string> all_operations(KeyShape const& shape, VaultKind kind);

using Tags = std::map<std::string, std::string>;

struct KeyMaterial {
  std::optional<RsaKey> rsa;
  std::string aes;
  std::string ec_x, ec_y;  ///< The public point; the model signs nothing, so it keeps no private one.
};

/// Fresh material; for RSA never that of `not_this`.
KeyMaterial make_material(KeyShape const& shape, RsaPool& pool, Randomness& random,
                          KeyMaterial const* not_this);
/// The point of a fresh private scalar, each coordinate as long as the curve's field; empty for an unknown
/// curve.
std::pair<std::string, std::string> make_ec_point(std::string_view curve, Randomness& random);

struct KeyVersion {
  std::string id;  ///< 32 lower-case hexadecimal digits.
  KeyShape shape;
  KeyMaterial material;
  std::vector<std::string> key_ops;
  bool enabled{true};
  std::optional<Instant> not_before;
  std::optional<Instant> expires;
  Instant created;
  Instant updated;
  Instant visible_from;  ///< Eventual consistency: reads before that moment do not see it.
  bool exportable{false};
  std::string release_policy;  ///< JSON text, or empty.
  std::optional<Tags> tags;    ///< Absent is not the same as empty.
};

struct Key {
  std::string name;
  std::vector<KeyVersion> versions;  ///< In order of creation; never empty.
  std::optional<RotationPolicy> policy;
  bool managed{false};               ///< Belongs to a certificate.
  unsigned deks{0};                  ///< How many wrapped DEKs the world file asked for.
  std::optional<Instant> deleted;    ///< Soft-deleted since.
  std::optional<Instant> recovered;  ///< When it was last recovered.

  /// The newest version that reads may see, whether it is enabled or not; null when there is none yet.
  KeyVersion* latest(Instant now);
  /// By id, any case; null when there is none or it may not be seen yet.
  KeyVersion* find(std::string_view id, Instant now);
};

/// What has happened to it happened so much earlier.
void grow_older(Key& key, std::chrono::seconds by);

}  // namespace rekeyd::sim::azure
