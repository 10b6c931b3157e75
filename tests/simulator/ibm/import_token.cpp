#include "tests/simulator/ibm/import_token.hpp"

#include "tests/simulator/ibm/operations.hpp"
#include "tests/simulator/ibm/shapes.hpp"
#include "tests/simulator/randomness.hpp"

#include <boost/json.hpp>
#include <openssl/bio.h>
#include <openssl/pem.h>

#include <memory>

namespace rekeyd::sim::ibm {

namespace json = boost::json;

namespace {

constexpr std::int64_t usual_seconds = 600;
constexpr std::size_t nonce_bytes = 12;
constexpr unsigned key_bits = 4096;

/// Making one of 4,096 bits takes a second and more; which it is proves nothing, so all tokens share one.
RsaKey const& token_key() {
  static RsaKey const key = [] {
    Randomness chance(4096);
    return RsaKey::generate(key_bits, chance);
  }();
  return key;
}

std::string public_pem(RsaKey const& key) {
  std::unique_ptr<BIO, decltype(&BIO_free)> const memory(BIO_new(BIO_s_mem()), &BIO_free);
  PEM_write_bio_PUBKEY(memory.get(), key.get());
  char* bytes = nullptr;
  long const size = BIO_get_mem_data(memory.get(), &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

json::object told(Instance const& instance, ImportToken const& token) {
  return {{"creationDate", instance.date(token.created)},
          {"expirationDate", instance.date(token.created + token.life)},
          {"expiration", token.life.count()},
          {"maxAllowedRetrievals", token.retrievals_max},
          {"remainingRetrievals", token.retrievals_max - token.retrievals}};
}

bool is_over(ImportToken const& token, Instant now) { return now >= token.created + token.life; }

std::unexpected<Refusal> refuse_expired() {
  return refuse(409, "IMPORT_TOKEN_EXPIRED_ERR", "The import token has expired");
}

Granted<std::int64_t> number_between(json::object const& body, char const* name, std::int64_t least,
                                     std::int64_t most, std::int64_t usual) {
  auto const number = number_member(body, name);
  if (!number) return std::unexpected(number.error());
  auto const value = number->value_or(usual);
  if (value >= least && value <= most) return value;
  return refuse_field(name, std::string("The field '") + name + "' must be: within its bounds");
}

std::optional<std::string> open_nonce(std::string_view algorithm, std::string const& key,
                                      std::string const& iv, std::string const& cipher) {
  constexpr std::size_t tag_bytes = 16;
  if (algorithm == "RSAES_OAEP_SHA_1") return aes_cbc_decrypt(key, iv, true, cipher);
  if (cipher.size() < tag_bytes) return std::nullopt;
  auto const split = cipher.size() - tag_bytes;
  return aes_gcm_open(key, iv, "", {cipher.substr(0, split), cipher.substr(split)});
}

Granted<std::string> decoded_member(json::object const& body, char const* name, char const* code) {
  auto const text = text_member(body, name);
  if (!text) return std::unexpected(text.error());
  auto bytes = from_base64(text->value_or(""));
  if (bytes && !bytes->empty()) return std::move(*bytes);
  return refuse(400, code, std::string(name) + " is not what it should be");
}

}  // namespace

Outcome create_import_token(Instance& instance, Call const& call) {
  if (instance.flavour().import_algorithm.empty()) return refuse(404, "", "Not found");
  auto const body = body_object(call.request.body, {"expiration", "maxAllowedRetrievals"});
  if (!body) return std::unexpected(body.error());
  auto const life = number_between(*body, "expiration", 300, 86'400, usual_seconds);
  if (!life) return std::unexpected(life.error());
  auto const retrievals = number_between(*body, "maxAllowedRetrievals", 1, 500, 1);
  if (!retrievals) return std::unexpected(retrievals.error());
  instance.import_token = ImportToken{token_key(),
                                      instance.random().bytes(nonce_bytes),
                                      call.now,
                                      std::chrono::seconds(*life),
                                      static_cast<int>(*retrievals),
                                      0};
  return json_answer(200, told(instance, *instance.import_token));
}

Outcome get_import_token(Instance& instance, Call const& call) {
  if (!instance.import_token) return refuse(404, "", "There is no import token");
  ImportToken& token = *instance.import_token;
  if (is_over(token, call.now) || token.retrievals >= token.retrievals_max) return refuse_expired();
  ++token.retrievals;
  auto body = told(instance, token);
  body["payload"] = base64(public_pem(token.key));
  body["nonce"] = base64(token.nonce);
  return json_answer(200, body);
}

Granted<std::string> open_import(Instance& instance, std::string const& payload, json::object const& body,
                                 Instant now) {
  auto const algorithm = text_member(body, "encryptionAlgorithm");
  if (!algorithm) return std::unexpected(algorithm.error());
  auto const wanted = instance.flavour().import_algorithm;
  if (wanted.empty() || *algorithm != wanted) {
    return refuse_field("encryptionAlgorithm", "The field 'encryptionAlgorithm' must be: the service's");
  }
  if (!instance.import_token || is_over(*instance.import_token, now)) return refuse_expired();
  auto const iv = decoded_member(body, "iv", "INCORRECT_NONCE_IV_ERR");
  if (!iv) return iv;
  auto const cipher = decoded_member(body, "encryptedNonce", "INCORRECT_NONCE_ERR");
  if (!cipher) return cipher;
  auto const padding = wanted == "RSAES_OAEP_SHA_1" ? RsaPadding::oaep_sha1 : RsaPadding::oaep_sha256;
  auto material = rsa_decrypt(instance.import_token->key, padding, payload);
  if (!material || (material->size() != 16 && material->size() != 24 && material->size() != 32)) {
    return refuse_field("payload", "The field 'payload' must be: encrypted with the import token");
  }
  auto const nonce = open_nonce(wanted, *material, *iv, *cipher);
  if (nonce != instance.import_token->nonce) {
    return refuse(400, "INCORRECT_NONCE_ERR", "The nonce is not that of the import token");
  }
  return std::move(*material);
}

}  // namespace rekeyd::sim::ibm
