#include "tests/support/client_pem.hpp"

#include "providers/encoding.hpp"
#include "tests/support/openssl_handles.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <memory>
#include <stdexcept>

namespace rekeyd::test {
namespace {

using Digest = std::unique_ptr<EVP_MD_CTX, providers::Free<&EVP_MD_CTX_free>>;

void demand(bool done, char const* what) {
  if (!done) throw std::runtime_error(std::string("client certificate: ") + what);
}

Bio view(std::string const& text) { return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

Key make_key(ClientKey kind) {
  if (kind == ClientKey::ec) return Key(EVP_EC_gen("P-256"));
  return Key(EVP_RSA_gen(kind == ClientKey::rsa_1024 ? 1024U : 2048U));
}

std::time_t seconds(Instant instant) { return static_cast<std::time_t>(instant.time_since_epoch().count()); }

unsigned char const* bytes(std::string_view text) {
  return reinterpret_cast<unsigned char const*>(text.data());
}

}  // namespace

ClientPem make_client_pem(Instant not_before, Instant not_after, ClientKey kind) {
  auto const key = make_key(kind);
  demand(key != nullptr, "a key");
  Certificate const certificate(X509_new());
  auto* const made = certificate.get();
  X509_set_version(made, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(made), 7);
  ASN1_TIME_set(X509_getm_notBefore(made), seconds(not_before));
  ASN1_TIME_set(X509_getm_notAfter(made), seconds(not_after));
  X509_set_pubkey(made, key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_ASC, bytes("rekeyd"), -1, -1, 0);
  X509_set_issuer_name(made, X509_get_subject_name(made));
  demand(X509_sign(made, key.get(), EVP_sha256()) > 0, "signing");
  Bio const key_text(BIO_new(BIO_s_mem()));
  Bio const certificate_text(BIO_new(BIO_s_mem()));
  demand(PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1 &&
             PEM_write_bio_X509(certificate_text.get(), made) == 1,
         "writing");
  return {text_of(key_text.get()), text_of(certificate_text.get())};
}

std::string encrypted(std::string const& key_pem) {
  Key const key(PEM_read_bio_PrivateKey(view(key_pem).get(), nullptr, nullptr, nullptr));
  Bio const out(BIO_new(BIO_s_mem()));
  auto const* const passphrase = bytes("passphrase");
  demand(PEM_write_bio_PKCS8PrivateKey(out.get(), key.get(), EVP_aes_256_cbc(),
                                       reinterpret_cast<char const*>(passphrase), 10, nullptr, nullptr) == 1,
         "encrypting");
  return text_of(out.get());
}

bool verifies(std::string const& token, std::string const& algorithm, std::string const& certificate_pem) {
  Certificate const certificate(PEM_read_bio_X509(view(certificate_pem).get(), nullptr, nullptr, nullptr));
  auto const cut = token.rfind('.');
  auto const signature = providers::from_base64url(token.substr(cut + 1)).value();
  Digest const digest(EVP_MD_CTX_new());
  EVP_PKEY_CTX* context = nullptr;
  auto* const key = X509_get0_pubkey(certificate.get());
  demand(EVP_DigestVerifyInit(digest.get(), &context, EVP_sha256(), nullptr, key) == 1, "verifying");
  if (algorithm == "PS256") {
    EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING);
    EVP_PKEY_CTX_set_rsa_pss_saltlen(context, 32);
  }
  return EVP_DigestVerify(digest.get(), bytes(signature), signature.size(), bytes(token), cut) == 1;
}

}  // namespace rekeyd::test
