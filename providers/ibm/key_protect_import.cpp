// New material for the root keys whose material was imported.
#include "providers/encoding.hpp"
#include "providers/ibm/key_protect_provider.hpp"

#include <fmt/format.h>

namespace rekeyd::providers::ibm {

std::optional<Error> refuse_material(Origin origin, KeyMaterial const* material, std::string const& where) {
  if (origin == Origin::imported && material == nullptr) {
    return misuse(
        ErrorClass::permanent,
        "the key's material was imported: a new version needs new material from its owner",
        "name a source of it in the policy (material: NAME), or rotate it by hand with new material: "
        "rekeyd will find the version and move the dependants",
        where);
  }
  if (material == nullptr) return std::nullopt;
  if (origin == Origin::generated) {
    return material_error("key_is_generated", "the service makes this key's material and takes none", where,
                          "take the source out of the key's policy");
  }
  if (material->type.algorithm != KeyAlgorithm::aes) {
    return material_error("material_unfit", "a root key here is symmetric, and the material is an RSA key",
                          where, "give the source 128, 192 or 256 bits in base64");
  }
  return std::nullopt;
}

// Written by hand: a serializer's buffers would keep pieces of the material.
Body write_rotate_request(Secret const& material) {
  Body body;
  body.reserve(material.size() * 2 + 32);
  body.append(R"({"payload":")");
  append_base64(body, material);
  body.append(R"("})");
  return body;
}

}  // namespace rekeyd::providers::ibm
