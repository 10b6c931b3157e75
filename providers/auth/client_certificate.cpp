#include "providers/auth/client_certificate.hpp"

#include "providers/auth/secret_file.hpp"
#include "providers/encoding.hpp"
#include "providers/openssl_free.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>
#include <ctime>

namespace rekeyd::providers {
namespace {

using Bio = std::unique_ptr<BIO, Free<BIO_free>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;
using Digest = std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>>;

constexpr int bits_least = 2048;

std::unexpected<Error> refuse(std::string const& where, std::string what, std::string remedy) {
  Error error;
  error.error_class = ErrorClass::access;
  error.delivery = Delivery::not_sent;
  error.what = std::move(what);
  error.where = where;
  error.remedy = std::move(remedy);
  return std::unexpected(std::move(error));
}

Bio view(Secret const& pem) {
  return Bio(BIO_new_mem_buf(pem.reveal().data(), static_cast<int>(pem.size())));
}

// OpenSSL's own way would ask at the terminal.
int note_passphrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

Result<std::shared_ptr<EVP_PKEY>> key_in(Secret const& pem, std::string const& where) {
  auto const text = view(pem);
  bool encrypted = false;
  std::shared_ptr<EVP_PKEY> key(PEM_read_bio_PrivateKey(text.get(), nullptr, note_passphrase, &encrypted),
                                EVP_PKEY_free);
  if (encrypted)
    return refuse(where, "the private key is encrypted",
                  "store it without a passphrase, readable by the daemon alone");
  if (!key)
    return refuse(where, "there is no private key in the certificate file",
                  "put key and certificate, both as PEM, into one file");
  if (EVP_PKEY_is_a(key.get(), "RSA") != 1 || EVP_PKEY_get_bits(key.get()) < bits_least)
    return refuse(where, fmt::format("the private key is not an RSA key of {} bits or more", bits_least),
                  "Entra ID takes RSA only: make a new key and certificate");
  return key;
}

std::vector<Certificate> certificates_in(Secret const& pem) {
  auto const text = view(pem);
  std::vector<Certificate> found;
  while (Certificate next{PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr)})
    found.push_back(std::move(next));
  return found;
}

// Ours to the front.
bool begin_with_own(std::vector<Certificate>& certificates, EVP_PKEY const* key) {
  auto const belongs = [key](Certificate const& one) { return X509_check_private_key(one.get(), key) == 1; };
  auto const own = std::ranges::find_if(certificates, belongs);
  if (own == certificates.end()) return false;
  std::rotate(certificates.begin(), own, own + 1);
  return true;
}

std::string der_of(X509* certificate) {
  unsigned char* bytes = nullptr;
  int const size = i2d_X509(certificate, &bytes);
  if (size < 0) return {};
  std::string der(reinterpret_cast<char const*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return der;
}

std::string thumbprint(X509 const* certificate, EVP_MD const* digest) {
  std::string bytes(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  if (X509_digest(certificate, digest, reinterpret_cast<unsigned char*>(bytes.data()), &size) != 1) return {};
  bytes.resize(size);
  return to_base64url(bytes);
}

Instant instant_of(ASN1_TIME const* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return Instant{};
  return Instant(std::chrono::seconds(::timegm(&parts)));
}

bool use_padding(EVP_PKEY_CTX* context, AssertionAlgorithm algorithm) {
  if (algorithm == AssertionAlgorithm::rs256)
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1;
  return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1 &&
         EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256()) == 1;
}

}  // namespace

Result<ClientCertificate> ClientCertificate::from_pem(Secret const& pem, std::string where) {
  auto key = key_in(pem, where);
  if (!key) return std::unexpected(std::move(key.error()));
  auto certificates = certificates_in(pem);
  if (certificates.empty())
    return refuse(where, "there is no certificate beside the private key",
                  "put key and certificate, both as PEM, into one file");
  if (!begin_with_own(certificates, key->get()))
    return refuse(where, "the private key does not belong to the certificate",
                  "put the key that the certificate was made for into the file");
  ClientCertificate own;
  own.where_ = std::move(where);
  own.key_ = std::move(*key);
  for (auto const& one : certificates) own.chain_.push_back(to_base64(der_of(one.get())));
  auto* const leaf = certificates.front().get();
  own.sha256_ = thumbprint(leaf, EVP_sha256());
  own.sha1_ = thumbprint(leaf, EVP_sha1());
  own.not_before_ = instant_of(X509_get0_notBefore(leaf));
  own.not_after_ = instant_of(X509_get0_notAfter(leaf));
  return own;
}

Result<void> ClientCertificate::valid_at(Instant now) const {
  if (now >= not_after_)
    return refuse(where_, fmt::format("the client certificate expired at {}", to_rfc3339(not_after_)),
                  "register a new certificate with the application and replace the file");
  if (now < not_before_)
    return refuse(where_,
                  fmt::format("the client certificate is not valid before {}", to_rfc3339(not_before_)),
                  "set this machine's clock, or wait");
  return {};
}

Result<Secret> ClientCertificate::sign(std::string_view text, AssertionAlgorithm algorithm) const {
  Digest const digest(EVP_MD_CTX_new());
  EVP_PKEY_CTX* context = nullptr;
  auto const* const bytes = reinterpret_cast<unsigned char const*>(text.data());
  std::size_t size = 0;
  bool const begun = digest &&
                     EVP_DigestSignInit(digest.get(), &context, EVP_sha256(), nullptr, key_.get()) == 1 &&
                     use_padding(context, algorithm) &&
                     EVP_DigestSign(digest.get(), nullptr, &size, bytes, text.size()) == 1;
  if (!begun) return refuse(where_, "the private key cannot sign", "make a new key and certificate");
  auto signature = Secret::of_size(size);
  auto* const out = reinterpret_cast<unsigned char*>(signature.writable().data());
  if (EVP_DigestSign(digest.get(), out, &size, bytes, text.size()) != 1 || size != signature.size())
    return refuse(where_, "the private key cannot sign", "make a new key and certificate");
  return signature;
}

Result<ClientCertificate> read_client_certificate(std::filesystem::path const& pem_file) {
  auto const pem = read_secret_file(pem_file, CredentialShape::lines);
  if (!pem) return std::unexpected(pem.error());
  return ClientCertificate::from_pem(*pem, pem_file.string());
}

}  // namespace rekeyd::providers
