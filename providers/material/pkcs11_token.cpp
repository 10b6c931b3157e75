#include "providers/material/pkcs11_token.hpp"

#include "providers/material/pkcs11_module.hpp"

#include <fmt/format.h>
#include <openssl/rand.h>

#include <array>
#include <optional>
#include <vector>

namespace rekeyd::providers {

namespace {

struct Slot {
  CK_SLOT_ID id{};
  CK_FLAGS flags{};
};

std::string label_of(CK_TOKEN_INFO const& info) {
  std::string_view const padded(reinterpret_cast<char const*>(info.label), sizeof info.label);
  auto const last = padded.find_last_not_of(std::string_view(" \0", 2));
  return std::string(padded.substr(0, last == std::string_view::npos ? 0 : last + 1));
}

Result<Slot> slot_of(CK_FUNCTION_LIST* functions, Pkcs11Token const& token, std::string const& where) {
  std::array<CK_SLOT_ID, 256> slots{};
  CK_ULONG count = slots.size();
  CK_RV const listed = functions->C_GetSlotList(CK_TRUE, slots.data(), &count);
  if (listed != CKR_OK) {
    return std::unexpected(pkcs11_error("C_GetSlotList", listed, "token_refuses", where,
                                        "see what the module's vendor says of it"));
  }
  std::vector<Slot> found;
  for (CK_ULONG i = 0; i < count; ++i) {
    CK_TOKEN_INFO info{};
    bool const told = functions->C_GetTokenInfo(slots.at(i), &info) == CKR_OK;
    if (told && label_of(info) == token.label) found.push_back({slots.at(i), info.flags});
  }
  if (found.size() == 1) return found.front();
  if (found.empty()) {
    return std::unexpected(
        material_error("token_absent", "no token of that label is present", where,
                       "connect it, or correct 'token' in rekeyd.yaml; then `rekeyctl retry`"));
  }
  return std::unexpected(material_error("token_ambiguous", "several tokens have that label", where,
                                        "give one of them another label, then `rekeyctl retry`"));
}

/// A wrong PIN more, and nobody gets in: that try is for a person.
Result<void> may_log_in(Slot const& slot, std::string const& where) {
  if ((slot.flags & CKF_USER_PIN_LOCKED) != 0) {
    return std::unexpected(
        material_error("pin_locked", "the token's user PIN is locked", where,
                       "have the token's security officer unlock it, then `rekeyctl retry`"));
  }
  if ((slot.flags & CKF_USER_PIN_FINAL_TRY) != 0) {
    return std::unexpected(material_error("pin_final_try",
                                          "one more wrong PIN would lock the token: none is tried", where,
                                          "log in once by hand with the right PIN, then `rekeyctl retry`"));
  }
  return {};
}

struct KeyWords {
  char const* name;
  CK_OBJECT_CLASS object_class;
  CK_KEY_TYPE key_type;
};

KeyWords words_of(KeyAlgorithm algorithm) {
  if (algorithm == KeyAlgorithm::rsa) return {"RSA", CKO_PRIVATE_KEY, CKK_RSA};
  if (algorithm == KeyAlgorithm::ec) return {"elliptic-curve", CKO_PRIVATE_KEY, CKK_EC};
  return {"AES", CKO_SECRET_KEY, CKK_AES};
}

Result<CK_OBJECT_HANDLE> find_key(Pkcs11Session& session, KeyAlgorithm algorithm, std::string label,
                                  std::string const& where) {
  auto const [words, object_class, key_type] = words_of(algorithm);
  CK_OBJECT_CLASS kind = object_class;
  CK_KEY_TYPE type = key_type;
  CK_BBOOL yes = CK_TRUE;
  std::array<CK_ATTRIBUTE, 4> wanted{{{CKA_CLASS, &kind, sizeof kind},
                                      {CKA_KEY_TYPE, &type, sizeof type},
                                      {CKA_TOKEN, &yes, sizeof yes},
                                      {CKA_LABEL, label.data(), label.size()}}};
  auto const found = session.find(wanted);
  if (!found) return std::unexpected(found.error());
  if (found->empty()) {
    return std::unexpected(
        material_error("material_missing", fmt::format("the token has no {} key labelled '{}'", words, label),
                       where, "make one there that may be extracted, then `rekeyctl retry`"));
  }
  if (found->size() > 1) {
    return std::unexpected(
        material_error("material_ambiguous", fmt::format("the token has several keys labelled '{}'", label),
                       where, "give all but the new one another label, then `rekeyctl retry`"));
  }
  if (session.flag(found->front(), CKA_EXTRACTABLE)) return found->front();
  return std::unexpected(material_error("material_not_extractable",
                                        fmt::format("the key labelled '{}' may not leave the token", label),
                                        where, "make one that may be extracted, then `rekeyctl retry`"));
}

Result<Secret> unwrap(Secret const& wrapped, Secret const& key, bool padded, std::string const& where) {
  std::unique_ptr<EVP_CIPHER_CTX, Free<EVP_CIPHER_CTX_free>> const cipher(EVP_CIPHER_CTX_new());
  EVP_CIPHER_CTX_set_flags(cipher.get(), EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  auto const octets = [](Secret const& secret) {
    return reinterpret_cast<unsigned char const*>(secret.reveal().data());
  };
  Secret plain = Secret::of_size(wrapped.size() + 16);
  int size = 0;
  auto* const out = reinterpret_cast<unsigned char*>(plain.writable().data());
  bool const done =
      EVP_DecryptInit_ex(cipher.get(), padded ? EVP_aes_256_wrap_pad() : EVP_aes_256_wrap(), nullptr,
                         octets(key), nullptr) == 1 &&
      EVP_DecryptUpdate(cipher.get(), out, &size, octets(wrapped), static_cast<int>(wrapped.size())) == 1;
  if (done && size > 0) return Secret(plain.reveal().substr(0, static_cast<std::size_t>(size)));
  return std::unexpected(material_error("material_malformed", "what the token handed out cannot be unwrapped",
                                        where, "see what the module's vendor says of AES key wrap"));
}

Result<KeyMaterialPtr> material_in(Secret key, KeyAlgorithm algorithm, std::string const& where) {
  if (algorithm == KeyAlgorithm::aes) return symmetric_material(std::move(key), where);
  auto const* at = reinterpret_cast<unsigned char const*>(key.reveal().data());
  PrivateKey const pair(d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(key.size())));
  if (pair) return pair_material(*pair, where);
  return std::unexpected(material_error("material_malformed", "what the token handed out is no private key",
                                        where, "see what the module's vendor says of wrapping private keys"));
}

Result<KeyMaterialPtr> take(Pkcs11Session& session, CK_OBJECT_HANDLE object, KeyAlgorithm algorithm,
                            std::string const& where) {
  Secret once = Secret::of_size(32);
  auto* const bytes = reinterpret_cast<unsigned char*>(once.writable().data());
  if (RAND_priv_bytes(bytes, static_cast<int>(once.size())) != 1) {
    return std::unexpected(
        material_error("material_source_failed", "OpenSSL's random generator gives nothing", where, ""));
  }
  auto const wrapping_key = session.make_wrapping_key(once);
  if (!wrapping_key) return std::unexpected(wrapping_key.error());
  bool const padded = algorithm != KeyAlgorithm::aes;  // PKCS#8 is no whole number of blocks.
  auto const wrapped = session.wrap(padded ? CKM_AES_KEY_WRAP_PAD : CKM_AES_KEY_WRAP, *wrapping_key, object);
  if (!wrapped) return std::unexpected(wrapped.error());
  auto key = unwrap(*wrapped, once, padded, where);
  if (!key) return std::unexpected(key.error());
  return material_in(std::move(*key), algorithm, where);
}

}  // namespace

Result<KeyMaterialPtr> read_pkcs11_key(Pkcs11Token const& token, Secret const& pin, KeyAlgorithm algorithm,
                                       std::string const& key_label) {
  std::string const where = fmt::format("token '{}' of {}", token.label, token.module.string());
  auto const functions = pkcs11_functions(token.module);
  if (!functions) return std::unexpected(functions.error());
  auto const slot = slot_of(*functions, token, where);
  if (!slot) return std::unexpected(slot.error());
  if (auto const may = may_log_in(*slot, where); !may) return std::unexpected(may.error());
  auto session = Pkcs11Session::open(*functions, slot->id, where);
  if (!session) return std::unexpected(session.error());
  if (auto const in = session->log_in(pin); !in) return std::unexpected(in.error());
  auto const object = find_key(*session, algorithm, key_label, where);
  if (!object) return std::unexpected(object.error());
  return take(*session, *object, algorithm, where);
}

}  // namespace rekeyd::providers
