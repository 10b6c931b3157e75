#include "tests/simulator/ibm/wdek.hpp"

#include "tests/simulator/crypto.hpp"
#include "tests/simulator/message.hpp"
#include "tests/simulator/randomness.hpp"

#include <boost/json.hpp>

namespace rekeyd::sim::ibm {

namespace json = boost::json;

namespace {

constexpr std::size_t iv_bytes = 12;
constexpr std::size_t tag_bytes = 16;

// Each entry with its length before it: ["ab","c"] and ["a","bc"] must not be the same.
std::string bound_text(Aad const& aad) {
  std::string text;
  for (auto const& entry : aad) text += std::to_string(entry.size()) + ':' + entry;
  return text;
}

struct Parts {
  std::string ciphertext, iv, handle;
};

std::optional<Parts> take_apart(std::string_view wdek) {
  auto const decoded = from_base64(wdek);
  if (!decoded) return std::nullopt;
  auto const object = json_object(*decoded);
  if (!object) return std::nullopt;
  auto const ciphertext = from_base64(string_member(*object, "ciphertext").value_or("-"));
  auto const iv = from_base64(string_member(*object, "iv").value_or("-"));
  auto const handle = string_member(*object, "handle");
  if (!ciphertext || !iv || !handle || string_member(*object, "version") != "4.0.0") return std::nullopt;
  if (ciphertext->size() < tag_bytes || iv->empty()) return std::nullopt;
  return Parts{*ciphertext, *iv, *handle};
}

}  // namespace

std::string wrap_dek(KeyVersion const& version, std::string_view dek, Aad const& aad, Randomness& random) {
  auto const iv = random.bytes(iv_bytes);
  auto const sealed = aes_gcm_seal(version.material, iv, bound_text(aad), dek);
  json::object const object{{"ciphertext", base64(sealed.cipher + sealed.tag)},
                            {"iv", base64(iv)},
                            {"version", "4.0.0"},
                            {"handle", version.id}};
  return base64(json::serialize(object));
}

std::optional<UnwrappedDek> unwrap_dek(Key const& key, std::string_view wdek, Aad const& aad) {
  auto const parts = take_apart(wdek);
  if (!parts) return std::nullopt;
  auto const* version = key.version(parts->handle);
  if (version == nullptr) return std::nullopt;
  auto const split = parts->ciphertext.size() - tag_bytes;
  Sealed const sealed{parts->ciphertext.substr(0, split), parts->ciphertext.substr(split)};
  auto dek = aes_gcm_open(version->material, parts->iv, bound_text(aad), sealed);
  if (!dek) return std::nullopt;
  return UnwrappedDek{version, std::move(*dek)};
}

}  // namespace rekeyd::sim::ibm
