#include "tests/simulator/crypto.hpp"
#include "tests/simulator/ibm/import_token.hpp"
#include "tests/simulator/ibm/key_states.hpp"
#include "tests/simulator/ibm/names.hpp"
#include "tests/simulator/ibm/operations.hpp"
#include "tests/simulator/ibm/wdek.hpp"
#include "tests/simulator/randomness.hpp"

#include <boost/json.hpp>

#include <algorithm>

namespace rekeyd::sim::ibm {

namespace json = boost::json;

namespace {

constexpr std::size_t generated_dek_bytes = 32;
constexpr std::size_t plaintext_limit = 4096;
constexpr std::size_t aad_entry_limit = 255;
constexpr std::size_t aad_list_limit = 255;

Granted<std::string> decoded(std::string_view field, std::string const& text) {
  auto bytes = from_base64(text);
  if (bytes && !bytes->empty()) return std::move(*bytes);
  return refuse_field(std::string(field), "The field must be: base64 encoded");
}

Granted<Aad> read_aad(json::object const& body) {
  auto aad = text_list_member(body, "aad");
  if (!aad) return aad;
  bool const too_long =
      std::ranges::any_of(*aad, [](std::string const& entry) { return entry.size() > aad_entry_limit; });
  if (too_long || aad->size() > aad_list_limit) {
    return refuse_field("aad", "The field 'aad' must be: at most 255 strings of at most 255 characters");
  }
  return aad;
}

json::object version_id(KeyVersion const& version) { return {{"id", version.id}}; }

bool is_blank(std::string_view body) { return body.find_first_not_of(" \t\r\n") == std::string_view::npos; }

std::unexpected<Refusal> refuse_foreign() {
  return refuse(422, "UNPROCESSABLE_CIPHERTEXT_ERR",
                "The ciphertext cannot be unwrapped with this key and additional authentication data");
}

/// What unwrap and rewrap have in common: the WDEK in the body, opened.
struct Opened {
  UnwrappedDek dek;
  Aad aad;
};
Granted<Opened> open_body(Instance const& instance, Key const& key, Call const& call, Action action) {
  if (is_blank(call.request.body)) return refuse(400, "NO_BODY_ERR", "Missing body in request");
  auto const body = body_object(call.request.body, {"ciphertext", "aad"});
  if (!body) return std::unexpected(body.error());
  auto const ciphertext = text_member(*body, "ciphertext");
  if (!ciphertext) return std::unexpected(ciphertext.error());
  auto const readable = decoded("ciphertext", ciphertext->value_or(""));
  if (!readable) return std::unexpected(readable.error());
  auto aad = read_aad(*body);
  if (!aad) return std::unexpected(aad.error());
  if (auto const bad = objection(action, key, instance.flavour())) return std::unexpected(*bad);
  auto dek = unwrap_dek(key, **ciphertext, *aad);
  if (!dek) return refuse_foreign();
  return Opened{std::move(*dek), std::move(*aad)};
}

/// The material that a rotate brings; empty when the service is to make it.
Granted<std::string> rotation_material(Instance& instance, Key const& key, Call const& call) {
  auto const body =
      body_object(call.request.body, {"payload", "encryptedNonce", "iv", "encryptionAlgorithm"});
  if (!body) return std::unexpected(body.error());
  auto const payload = text_member(*body, "payload");
  if (!payload) return std::unexpected(payload.error());
  if (key.imported && !*payload) {
    return std::unexpected(Refusal{400, "KEY_PAYLOAD_REQ_ERR",
                                   "This root key was created with user-supplied key material: Key material "
                                   "is required to perform a 'rotate' action",
                                   Refusal::Target{"field", "payload"}});
  }
  if (!*payload) return std::string();
  if (!key.imported) {
    return refuse_query("payload", "The query_param 'payload' must be: provided only if key is imported");
  }
  auto material = decoded("payload", **payload);
  if (!material) return material;
  if (body->contains("encryptedNonce")) material = open_import(instance, *material, *body, call.now);
  if (!material) return material;
  if (!is_root_key_size(material->size())) {
    return refuse_field("payload", "The field 'payload' must be: 16, 24 or 32 bytes");
  }
  return material;
}

}  // namespace

Outcome rotate(Instance& instance, Key& key, Call const& call) {
  if (auto const bad = objection(Action::rotate, key, instance.flavour())) return std::unexpected(*bad);
  auto material = rotation_material(instance, key, call);
  if (!material) return std::unexpected(material.error());
  if (instance.master_key_rotates(call.now)) {
    return refuse(503, "", "The master key is being rotated: Please try again later");
  }
  if (key.last_rotated && call.now < *key.last_rotated + rotation_pause) {
    return refuse(409, "KEY_ROTATION_NOT_PERMITTED",
                  "This root key has been rotated within the last hour: Only one 'rotate' action per hour is "
                  "permitted");
  }
  constexpr std::size_t generated_key_bytes = 32;
  if (material->empty()) *material = instance.random().bytes(generated_key_bytes);
  add_version(key, std::move(*material), call.now, call.request.lag, instance.random());
  return Answer{204, {}, {}};
}

Outcome wrap(Instance& instance, Key& key, Call const& call) {
  auto const body = body_object(call.request.body, {"plaintext", "aad"});
  if (!body) return std::unexpected(body.error());
  auto const plaintext = text_member(*body, "plaintext");
  if (!plaintext) return std::unexpected(plaintext.error());
  if (*plaintext && (*plaintext)->size() > plaintext_limit) {
    return refuse_field("plaintext", "The field 'plaintext' must be: at most 4096 characters");
  }
  auto const aad = read_aad(*body);
  if (!aad) return std::unexpected(aad.error());
  Granted<std::string> dek;
  if (*plaintext) dek = decoded("plaintext", **plaintext);
  if (!dek) return std::unexpected(dek.error());
  if (auto const bad = objection(Action::wrap, key, instance.flavour())) return std::unexpected(*bad);
  if (!*plaintext) *dek = instance.random().bytes(generated_dek_bytes);
  json::object answer{{"ciphertext", wrap_dek(key.newest(), *dek, *aad, instance.random())},
                      {"keyVersion", version_id(key.newest())}};
  if (!*plaintext) answer["plaintext"] = base64(*dek);
  return json_answer(200, answer);
}

Outcome unwrap(Instance& instance, Key& key, Call const& call) {
  auto const opened = open_body(instance, key, call, Action::unwrap);
  if (!opened) return std::unexpected(opened.error());
  auto const& [version, dek] = opened->dek;
  json::object answer{{"plaintext", base64(dek)}, {"keyVersion", version_id(*version)}};
  if (version != &key.newest()) {
    answer["ciphertext"] = wrap_dek(key.newest(), dek, opened->aad, instance.random());
    answer["rewrappedKeyVersion"] = version_id(key.newest());
  }
  return json_answer(200, answer);
}

Outcome rewrap(Instance& instance, Key& key, Call const& call) {
  auto const opened = open_body(instance, key, call, Action::rewrap);
  if (!opened) return std::unexpected(opened.error());
  auto const& [version, dek] = opened->dek;
  return json_answer(200,
                     json::object{{"ciphertext", wrap_dek(key.newest(), dek, opened->aad, instance.random())},
                                  {"keyVersion", version_id(*version)},
                                  {"rewrappedKeyVersion", version_id(key.newest())}});
}

}  // namespace rekeyd::sim::ibm
