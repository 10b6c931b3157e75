#include "tests/simulator/crypto.hpp"

#include "tests/simulator/openssl_handles.hpp"
#include "tests/simulator/randomness.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

#include <stdexcept>
#include <vector>

namespace rekeyd::sim {

namespace {

unsigned char const* raw(std::string_view data) {
  return reinterpret_cast<unsigned char const*>(data.data());
}
unsigned char* raw(std::string& data) { return reinterpret_cast<unsigned char*>(data.data()); }

BigNumber number(std::string_view big_endian) {
  return BigNumber(BN_bin2bn(raw(big_endian), static_cast<int>(big_endian.size()), nullptr));
}

std::string text(BIGNUM const* value) {
  std::string result(static_cast<std::size_t>(BN_num_bytes(value)), '\0');
  BN_bn2bin(value, raw(result));
  return result;
}

std::string part(EVP_PKEY* key, char const* name) {
  BIGNUM* value = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &value) != 1)
    throw std::logic_error("RSA key without " + std::string(name));
  BigNumber const owned(value);
  return text(value);
}

// OpenSSL's own search draws from its own generator; this one draws from ours.
BigNumber find_prime(unsigned bits, BIGNUM const* exponent, Randomness& random, BN_CTX* context) {
  std::string start = random.bytes(bits / 8);
  start.front() = static_cast<char>(static_cast<unsigned char>(start.front()) | 0xc0U);
  start.back() = static_cast<char>(static_cast<unsigned char>(start.back()) | 1U);
  BigNumber candidate = number(start);
  BigNumber const less(BN_new());
  BigNumber const common(BN_new());
  for (;; BN_add_word(candidate.get(), 2)) {
    if (BN_check_prime(candidate.get(), context, nullptr) != 1) continue;
    BN_sub(less.get(), candidate.get(), BN_value_one());
    BN_gcd(common.get(), less.get(), exponent, context);
    if (BN_is_one(common.get()) != 0) return candidate;
  }
}

RsaKey::Parts parts_from_primes(BIGNUM* p, BIGNUM* q, BIGNUM* e, BN_CTX* context) {
  BigNumber const n(BN_new());
  BigNumber const p1(BN_dup(p));
  BigNumber const q1(BN_dup(q));
  BigNumber const phi(BN_new());
  BigNumber const remainder(BN_new());
  BN_sub_word(p1.get(), 1);
  BN_sub_word(q1.get(), 1);
  BN_mul(n.get(), p, q, context);
  BN_mul(phi.get(), p1.get(), q1.get(), context);
  BigNumber const d(BN_mod_inverse(nullptr, e, phi.get(), context));
  BigNumber const qi(BN_mod_inverse(nullptr, q, p, context));
  RsaKey::Parts parts{text(n.get()), text(e), text(d.get()), text(p), text(q), {}, {}, text(qi.get())};
  BN_mod(remainder.get(), d.get(), p1.get(), context);
  parts.dp = text(remainder.get());
  BN_mod(remainder.get(), d.get(), q1.get(), context);
  parts.dq = text(remainder.get());
  return parts;
}

int padding_of(RsaPadding padding) {
  return padding == RsaPadding::pkcs1 ? RSA_PKCS1_PADDING : RSA_PKCS1_OAEP_PADDING;
}

bool set_padding(EVP_PKEY_CTX* context, RsaPadding padding) {
  if (EVP_PKEY_CTX_set_rsa_padding(context, padding_of(padding)) != 1) return false;
  if (padding == RsaPadding::pkcs1) return true;
  EVP_MD const* hash = padding == RsaPadding::oaep_sha256 ? EVP_sha256() : EVP_sha1();
  return EVP_PKEY_CTX_set_rsa_oaep_md(context, hash) == 1 && EVP_PKEY_CTX_set_rsa_mgf1_md(context, hash) == 1;
}

using Initialize = int (*)(EVP_PKEY_CTX*);
using Convert = int (*)(EVP_PKEY_CTX*, unsigned char*, std::size_t*, unsigned char const*, std::size_t);

std::optional<std::string> rsa_convert(RsaKey const& key, RsaPadding padding, std::string_view input,
                                       Initialize initialize, Convert convert) {
  PkeyContext const context(EVP_PKEY_CTX_new(key.get(), nullptr));
  if (!context || initialize(context.get()) != 1 || !set_padding(context.get(), padding)) return std::nullopt;
  std::string output(key.bits() / 8, '\0');
  std::size_t size = output.size();
  if (convert(context.get(), raw(output), &size, raw(input), input.size()) != 1) return std::nullopt;
  output.resize(size);
  return output;
}

EVP_CIPHER const* by_key_size(std::string_view key, EVP_CIPHER const* small, EVP_CIPHER const* middle,
                              EVP_CIPHER const* large) {
  switch (key.size()) {
    case 16:
      return small;
    case 24:
      return middle;
    case 32:
      return large;
    default:
      return nullptr;
  }
}

EVP_CIPHER const* wrap_cipher(std::string_view key) {
  return by_key_size(key, EVP_aes_128_wrap(), EVP_aes_192_wrap(), EVP_aes_256_wrap());
}
EVP_CIPHER const* gcm_cipher(std::string_view key) {
  return by_key_size(key, EVP_aes_128_gcm(), EVP_aes_192_gcm(), EVP_aes_256_gcm());
}
EVP_CIPHER const* cbc_cipher(std::string_view key) {
  return by_key_size(key, EVP_aes_128_cbc(), EVP_aes_192_cbc(), EVP_aes_256_cbc());
}

enum class Direction { decrypt = 0, encrypt = 1 };

struct CipherRun {
  EVP_CIPHER const* cipher;
  std::string_view key, iv;
  Direction direction;
  bool pad{false};
};

std::optional<std::string> run(CipherRun const& what, std::string_view input) {
  CipherContext const context(EVP_CIPHER_CTX_new());
  if (what.cipher == nullptr || !context) return std::nullopt;
  EVP_CIPHER_CTX_set_flags(context.get(), EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  auto const* iv = what.iv.empty() ? nullptr : raw(what.iv);
  if (EVP_CipherInit_ex(context.get(), what.cipher, nullptr, raw(what.key), iv,
                        static_cast<int>(what.direction)) != 1) {
    return std::nullopt;
  }
  EVP_CIPHER_CTX_set_padding(context.get(), what.pad ? 1 : 0);
  std::string output(input.size() + 32, '\0');
  int written = 0;
  int rest = 0;
  if (EVP_CipherUpdate(context.get(), raw(output), &written, raw(input), static_cast<int>(input.size())) !=
          1 ||
      EVP_CipherFinal_ex(context.get(), raw(output) + written, &rest) != 1) {
    return std::nullopt;
  }
  output.resize(static_cast<std::size_t>(written) + static_cast<std::size_t>(rest));
  return output;
}

CipherContext gcm_context(std::string_view key, std::string_view iv, Direction direction) {
  CipherContext context(EVP_CIPHER_CTX_new());
  EVP_CIPHER const* cipher = gcm_cipher(key);
  if (cipher == nullptr) throw std::invalid_argument("AES key of " + std::to_string(key.size()) + " bytes");
  int const way = static_cast<int>(direction);
  EVP_CipherInit_ex(context.get(), cipher, nullptr, nullptr, nullptr, way);
  EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_IVLEN, static_cast<int>(iv.size()), nullptr);
  if (EVP_CipherInit_ex(context.get(), nullptr, nullptr, raw(key), raw(iv), way) != 1) {
    throw std::invalid_argument("AES-GCM does not take an IV of " + std::to_string(iv.size()) + " bytes");
  }
  return context;
}

std::string gcm_pass(EVP_CIPHER_CTX* context, std::string_view aad, std::string_view input) {
  int written = 0;
  if (!aad.empty()) EVP_CipherUpdate(context, nullptr, &written, raw(aad), static_cast<int>(aad.size()));
  std::string output(input.size() + 16, '\0');
  written = 0;
  if (!input.empty())
    EVP_CipherUpdate(context, raw(output), &written, raw(input), static_cast<int>(input.size()));
  output.resize(static_cast<std::size_t>(written));
  return output;
}

}  // namespace

RsaKey::RsaKey(std::shared_ptr<EVP_PKEY> key)
    : key_(std::move(key)),
      modulus_(std::make_shared<std::string const>(part(key_.get(), OSSL_PKEY_PARAM_RSA_N))),
      exponent_(std::make_shared<std::string const>(part(key_.get(), OSSL_PKEY_PARAM_RSA_E))) {}

RsaKey RsaKey::generate(unsigned bits, Randomness& random) {
  BnContext const context(BN_CTX_new());
  BigNumber const e(BN_new());
  BN_set_word(e.get(), RSA_F4);
  for (;;) {
    BigNumber p = find_prime(bits / 2, e.get(), random, context.get());
    BigNumber q = find_prime(bits / 2, e.get(), random, context.get());
    int const order = BN_cmp(p.get(), q.get());
    if (order == 0) continue;
    if (order < 0) std::swap(p, q);
    if (auto key = from(parts_from_primes(p.get(), q.get(), e.get(), context.get()))) return *key;
  }
}

std::optional<RsaKey> RsaKey::from(Parts const& parts) {
  ParamBuild const build(OSSL_PARAM_BLD_new());
  std::vector<BigNumber> numbers;
  auto const push = [&](char const* name, std::string_view value) {
    if (value.empty()) return;
    numbers.push_back(number(value));
    OSSL_PARAM_BLD_push_BN(build.get(), name, numbers.back().get());
  };
  push(OSSL_PKEY_PARAM_RSA_N, parts.n);
  push(OSSL_PKEY_PARAM_RSA_E, parts.e);
  push(OSSL_PKEY_PARAM_RSA_D, parts.d);
  push(OSSL_PKEY_PARAM_RSA_FACTOR1, parts.p);
  push(OSSL_PKEY_PARAM_RSA_FACTOR2, parts.q);
  push(OSSL_PKEY_PARAM_RSA_EXPONENT1, parts.dp);
  push(OSSL_PKEY_PARAM_RSA_EXPONENT2, parts.dq);
  push(OSSL_PKEY_PARAM_RSA_COEFFICIENT1, parts.qi);
  Params const params(OSSL_PARAM_BLD_to_param(build.get()));
  PkeyContext const context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* made = nullptr;
  if (EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_KEYPAIR, params.get()) != 1) {
    return std::nullopt;
  }
  RsaKey key{std::shared_ptr<EVP_PKEY>(made, &EVP_PKEY_free)};
  constexpr std::string_view probe = "a key pair must undo what it did";
  auto const cipher = rsa_encrypt(key, RsaPadding::oaep_sha1, probe);
  if (!cipher || rsa_decrypt(key, RsaPadding::oaep_sha1, *cipher) != probe) return std::nullopt;
  return key;
}

unsigned RsaKey::bits() const { return static_cast<unsigned>(EVP_PKEY_get_bits(key_.get())); }

std::optional<std::string> rsa_encrypt(RsaKey const& key, RsaPadding padding, std::string_view plain) {
  return rsa_convert(key, padding, plain, &EVP_PKEY_encrypt_init, &EVP_PKEY_encrypt);
}

std::optional<std::string> rsa_decrypt(RsaKey const& key, RsaPadding padding, std::string_view cipher) {
  constexpr std::size_t kept = 256;
  std::string asked(cipher);
  asked.push_back(static_cast<char>(padding));
  auto& known = key.decrypted();
  if (auto const found = known.find(asked); found != known.end()) return found->second;
  auto plain = rsa_convert(key, padding, cipher, &EVP_PKEY_decrypt_init, &EVP_PKEY_decrypt);
  if (known.size() >= kept) known.clear();
  known.emplace(std::move(asked), plain);
  return plain;
}

std::optional<std::string> aes_wrap(std::string_view key, std::string_view plain) {
  if (plain.size() < 16 || plain.size() % 8 != 0) return std::nullopt;
  return run({wrap_cipher(key), key, {}, Direction::encrypt}, plain);
}

std::optional<std::string> aes_unwrap(std::string_view key, std::string_view cipher) {
  if (cipher.size() < 24 || cipher.size() % 8 != 0) return std::nullopt;
  return run({wrap_cipher(key), key, {}, Direction::decrypt}, cipher);
}

Sealed aes_gcm_seal(std::string_view key, std::string_view iv, std::string_view aad, std::string_view plain) {
  auto const context = gcm_context(key, iv, Direction::encrypt);
  Sealed sealed{gcm_pass(context.get(), aad, plain), std::string(16, '\0')};
  unsigned char unused[16];
  int rest = 0;
  EVP_CipherFinal_ex(context.get(), unused, &rest);
  EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, 16, sealed.tag.data());
  return sealed;
}

std::optional<std::string> aes_gcm_open(std::string_view key, std::string_view iv, std::string_view aad,
                                        Sealed const& sealed) {
  if (gcm_cipher(key) == nullptr || iv.empty() || sealed.tag.size() != 16) return std::nullopt;
  auto const context = gcm_context(key, iv, Direction::decrypt);
  std::string tag = sealed.tag;
  EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, 16, tag.data());
  std::string plain = gcm_pass(context.get(), aad, sealed.cipher);
  unsigned char unused[16];
  int rest = 0;
  if (EVP_CipherFinal_ex(context.get(), unused, &rest) != 1) return std::nullopt;
  return plain;
}

std::optional<std::string> aes_cbc_encrypt(std::string_view key, std::string_view iv, bool pad,
                                           std::string_view plain) {
  if (iv.size() != 16) return std::nullopt;
  return run({cbc_cipher(key), key, iv, Direction::encrypt, pad}, plain);
}

std::optional<std::string> aes_cbc_decrypt(std::string_view key, std::string_view iv, bool pad,
                                           std::string_view cipher) {
  if (iv.size() != 16) return std::nullopt;
  return run({cbc_cipher(key), key, iv, Direction::decrypt, pad}, cipher);
}

std::string sha256_hex(std::string_view data) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(raw(data), data.size(), digest);
  constexpr char const* digits = "0123456789abcdef";
  std::string result;
  for (unsigned char const byte : digest) {
    result.push_back(digits[byte >> 4U]);
    result.push_back(digits[byte & 0xfU]);
  }
  return result;
}

}  // namespace rekeyd::sim
