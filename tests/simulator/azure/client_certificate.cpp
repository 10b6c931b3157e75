#include "tests/simulator/azure/client_certificate.hpp"

#include "tests/simulator/openssl_handles.hpp"

#include <openssl/pem.h>

#include <ctime>
#include <stdexcept>

namespace rekeyd::sim::azure {

namespace {

std::string digest_of(X509 const* certificate, EVP_MD const* digest) {
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  X509_digest(certificate, digest, bytes, &size);
  return base64url({reinterpret_cast<char const*>(bytes), size});
}

std::string der_of(X509* certificate) {
  unsigned char* bytes = nullptr;
  int const size = i2d_X509(certificate, &bytes);
  if (size < 0) throw std::runtime_error("a certificate cannot be written");
  std::string der(reinterpret_cast<char const*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return der;
}

std::time_t seconds(Instant instant) { return static_cast<std::time_t>(instant.time_since_epoch().count()); }

}  // namespace

ClientCertificate::ClientCertificate(std::shared_ptr<X509> certificate)
    : certificate_(std::move(certificate)),
      sha256_(digest_of(certificate_.get(), EVP_sha256())),
      sha1_(digest_of(certificate_.get(), EVP_sha1())),
      base64_(sim::base64(der_of(certificate_.get()))) {}

std::optional<ClientCertificate> ClientCertificate::from_pem(std::string const& pem) {
  Bio const text(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  std::shared_ptr<X509> certificate(PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr), X509_free);
  if (!certificate) return std::nullopt;
  return ClientCertificate(std::move(certificate));
}

bool ClientCertificate::valid_at(Instant now) const {
  std::time_t at = seconds(now);
  return X509_cmp_time(X509_get0_notBefore(certificate_.get()), &at) < 0 &&
         X509_cmp_time(X509_get0_notAfter(certificate_.get()), &at) > 0;
}

EVP_PKEY* ClientCertificate::public_key() const { return X509_get0_pubkey(certificate_.get()); }

std::string make_client_certificate(std::string const& name, RsaKey const& key, Instant not_before,
                                    Instant not_after, long serial) {
  Certificate const certificate(X509_new());
  auto* const made = certificate.get();
  X509_set_version(made, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(made), serial);
  ASN1_TIME_set(X509_getm_notBefore(made), seconds(not_before));
  ASN1_TIME_set(X509_getm_notAfter(made), seconds(not_after));
  X509_set_pubkey(made, key.get());
  auto const* const text = reinterpret_cast<unsigned char const*>(name.c_str());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_UTF8, text, -1, -1, 0);
  X509_set_issuer_name(made, X509_get_subject_name(made));
  Bio const out(BIO_new(BIO_s_mem()));
  if (X509_sign(made, key.get(), EVP_sha256()) == 0 ||
      PEM_write_bio_PKCS8PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1 ||
      PEM_write_bio_X509(out.get(), made) != 1) {
    throw std::runtime_error("OpenSSL made no client certificate");
  }
  char* data = nullptr;
  auto const size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

}  // namespace rekeyd::sim::azure
