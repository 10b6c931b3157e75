#include "tests/simulator/azure/key.hpp"

#include "tests/simulator/message.hpp"
#include "tests/simulator/openssl_handles.hpp"
#include "tests/simulator/randomness.hpp"
#include "tests/simulator/rsa_pool.hpp"

#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include <ranges>

namespace rekeyd::sim::azure {

namespace {

using Group = std::unique_ptr<EC_GROUP, FreeWith<&EC_GROUP_free>>;
using Point = std::unique_ptr<EC_POINT, FreeWith<&EC_POINT_free>>;

int curve_id(std::string_view curve) {
  if (curve == "P-256") return NID_X9_62_prime256v1;
  if (curve == "P-384") return NID_secp384r1;
  if (curve == "P-521") return NID_secp521r1;
  if (curve == "P-256K") return NID_secp256k1;
  return NID_undef;
}

std::string padded(BIGNUM const* number, int size) {
  std::string text(static_cast<std::size_t>(size), '\0');
  BN_bn2binpad(number, reinterpret_cast<unsigned char*>(text.data()), size);
  return text;
}

}  // namespace

std::string KeyShape::kty() const {
  std::string const name = type == KeyType::rsa ? "RSA" : type == KeyType::ec ? "EC" : "oct";
  return hsm ? name + "-HSM" : name;
}

std::optional<KeyShape> shape_from_kty(std::string_view kty) {
  KeyShape shape;
  shape.hsm = kty.ends_with("-HSM");
  if (shape.hsm) kty.remove_suffix(4);
  if (kty == "RSA") return shape;
  shape.type = KeyType::ec;
  shape.bits = 0;
  shape.curve = "P-256";
  if (kty == "EC") return shape;
  shape.type = KeyType::oct;
  shape.bits = 256;
  shape.curve.clear();
  if (kty == "oct") return shape;
  return std::nullopt;
}

std::vector<std::string> all_operations(KeyShape const& shape, VaultKind kind) {
  switch (shape.type) {
    case KeyType::rsa:
      return {"encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"};
    case KeyType::oct:
      return {"encrypt", "decrypt", "wrapKey", "unwrapKey"};
    case KeyType::ec:
      break;
  }
  if (kind == VaultKind::managed_hsm) return {"sign", "verify", "deriveKey"};
  return {"sign", "verify"};
}

std::pair<std::string, std::string> make_ec_point(std::string_view curve, Randomness& random) {
  int const id = curve_id(curve);
  if (id == NID_undef) return {};
  BnContext const context(BN_CTX_new());
  Group const group(EC_GROUP_new_by_curve_name(id));
  Point const point(EC_POINT_new(group.get()));
  std::string const seed = random.bytes(64);
  BigNumber const scalar(BN_bin2bn(reinterpret_cast<unsigned char const*>(seed.data()), 64, nullptr));
  BN_mod(scalar.get(), scalar.get(), EC_GROUP_get0_order(group.get()), context.get());
  EC_POINT_mul(group.get(), point.get(), scalar.get(), nullptr, nullptr, context.get());
  BigNumber const x(BN_new());
  BigNumber const y(BN_new());
  EC_POINT_get_affine_coordinates(group.get(), point.get(), x.get(), y.get(), context.get());
  int const size = (EC_GROUP_get_degree(group.get()) + 7) / 8;
  return {padded(x.get(), size), padded(y.get(), size)};
}

KeyMaterial make_material(KeyShape const& shape, RsaPool& pool, Randomness& random,
                          KeyMaterial const* not_this) {
  KeyMaterial material;
  switch (shape.type) {
    case KeyType::rsa:
      material.rsa = pool.take(shape.bits, not_this != nullptr && not_this->rsa ? &*not_this->rsa : nullptr);
      break;
    case KeyType::oct:
      material.aes = random.bytes(shape.bits / 8);
      break;
    case KeyType::ec:
      std::tie(material.ec_x, material.ec_y) = make_ec_point(shape.curve, random);
      break;
  }
  return material;
}

KeyVersion* Key::latest(Instant now) {
  for (auto& version : versions | std::views::reverse) {
    if (version.visible_from <= now) return &version;
  }
  return nullptr;
}

KeyVersion* Key::find(std::string_view id, Instant now) {
  std::string const wanted = lower(id);
  for (auto& version : versions) {
    if (version.id == wanted && version.visible_from <= now) return &version;
  }
  return nullptr;
}

void grow_older(Key& key, std::chrono::seconds by) {
  for (KeyVersion& version : key.versions) {
    for (Instant* const moment : {&version.created, &version.updated, &version.visible_from}) *moment -= by;
  }
  if (key.policy) {
    key.policy->created -= by;
    key.policy->updated -= by;
  }
  if (key.deleted) *key.deleted -= by;
  if (key.recovered) *key.recovered -= by;
}

}  // namespace rekeyd::sim::azure
