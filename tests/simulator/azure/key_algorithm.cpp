#include "tests/simulator/azure/key_algorithm.hpp"

#include "tests/simulator/randomness.hpp"

#include <fmt/format.h>

namespace rekeyd::sim::azure {

namespace {

std::optional<RsaPadding> rsa_padding(std::string_view algorithm) {
  if (algorithm == "RSA-OAEP-256") return RsaPadding::oaep_sha256;
  if (algorithm == "RSA-OAEP") return RsaPadding::oaep_sha1;
  if (algorithm == "RSA1_5") return RsaPadding::pkcs1;
  return std::nullopt;
}

enum class AesMode { key_wrap, gcm, cbc, cbc_padded };

/// The mode of an AES algorithm name, when its size is that of the key.
std::optional<AesMode> aes_mode(KeyVersion const& version, std::string_view algorithm, bool wrapping) {
  std::string const size = fmt::format("A{}", version.shape.bits);
  if (version.shape.type != KeyType::oct || !algorithm.starts_with(size)) return std::nullopt;
  auto const mode = algorithm.substr(size.size());
  if (wrapping) return mode == "KW" ? std::optional(AesMode::key_wrap) : std::nullopt;
  if (mode == "GCM") return AesMode::gcm;
  if (mode == "CBC") return AesMode::cbc;
  if (mode == "CBCPAD") return AesMode::cbc_padded;
  return std::nullopt;
}

std::optional<KeyOperation> result(std::optional<std::string> value) {
  if (!value) return std::nullopt;
  return KeyOperation{std::move(*value), {}, {}, {}};
}

}  // namespace

std::optional<KeyOperation> protect(KeyVersion const& version, std::string_view algorithm, bool wrapping,
                                    KeyOperation const& input, Randomness& random) {
  if (version.material.rsa) {
    auto const padding = rsa_padding(algorithm);
    if (!padding) return std::nullopt;
    return result(rsa_encrypt(*version.material.rsa, *padding, input.value));
  }
  auto const mode = aes_mode(version, algorithm, wrapping);
  if (!mode) return std::nullopt;
  std::string const& key = version.material.aes;
  if (*mode == AesMode::key_wrap) return result(aes_wrap(key, input.value));
  if (*mode == AesMode::gcm) {
    std::string const iv = random.bytes(12);
    auto sealed = aes_gcm_seal(key, iv, input.aad, input.value);
    return KeyOperation{std::move(sealed.cipher), iv, std::move(sealed.tag), input.aad};
  }
  auto done = result(aes_cbc_encrypt(key, input.iv, *mode == AesMode::cbc_padded, input.value));
  if (done) done->iv = input.iv;
  return done;
}

std::optional<KeyOperation> open(KeyVersion const& version, std::string_view algorithm, bool wrapping,
                                 KeyOperation const& input) {
  if (version.material.rsa) {
    auto const padding = rsa_padding(algorithm);
    if (!padding) return std::nullopt;
    return result(rsa_decrypt(*version.material.rsa, *padding, input.value));
  }
  auto const mode = aes_mode(version, algorithm, wrapping);
  if (!mode) return std::nullopt;
  std::string const& key = version.material.aes;
  if (*mode == AesMode::key_wrap) return result(aes_unwrap(key, input.value));
  if (*mode == AesMode::gcm) return result(aes_gcm_open(key, input.iv, input.aad, {input.value, input.tag}));
  return result(aes_cbc_decrypt(key, input.iv, *mode == AesMode::cbc_padded, input.value));
}

std::string wrapping_algorithm(KeyShape const& shape) {
  switch (shape.type) {
    case KeyType::rsa:
      return "RSA-OAEP-256";
    case KeyType::oct:
      return fmt::format("A{}KW", shape.bits);
    case KeyType::ec:
      break;
  }
  return {};
}

}  // namespace rekeyd::sim::azure
