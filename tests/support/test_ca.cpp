#include "tests/support/test_ca.hpp"

#include "tests/support/openssl_handles.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <stdexcept>

namespace rekeyd::test {
namespace {

using Extension = std::unique_ptr<X509_EXTENSION, providers::Free<&X509_EXTENSION_free>>;

void demand(bool done, char const* what) {
  if (!done) throw std::runtime_error(std::string("test certificate: ") + what);
}

std::string pem(X509* certificate) {
  Bio const bio(BIO_new(BIO_s_mem()));
  demand(PEM_write_bio_X509(bio.get(), certificate) == 1, "writing");
  return text_of(bio.get());
}

std::string pem(EVP_PKEY* key) {
  Bio const bio(BIO_new(BIO_s_mem()));
  demand(PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1,
         "writing a key");
  return text_of(bio.get());
}

void extend(X509* certificate, X509* issuer, int kind, std::string const& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  Extension const extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  demand(extension && X509_add_ext(certificate, extension.get(), -1) == 1, "an extension");
}

// A blank certificate with a random serial number: two authorities of one name must not be mixed up by it.
Certificate begin(std::string const& common_name, EVP_PKEY* key, int days) {
  Certificate certificate(X509_new());
  demand(X509_set_version(certificate.get(), X509_VERSION_3) == 1, "version");
  unsigned serial = 0;
  demand(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1, "serial number");
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), static_cast<long>(serial));
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), days < 0 ? 2L * 86'400 * days : -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 86'400L * days);
  X509_set_pubkey(certificate.get(), key);
  auto const* name = reinterpret_cast<unsigned char const*>(common_name.c_str());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8, name, -1, -1, 0);
  return certificate;
}

std::string alternative_names(std::vector<std::string> const& names) {
  std::string out;
  for (auto const& name : names) {
    bool const address = name.find_first_not_of("0123456789.") == std::string::npos;
    out += (out.empty() ? "" : ",") + std::string(address ? "IP:" : "DNS:") + name;
  }
  return out;
}

}  // namespace

struct TestCa::Parts {
  Key key;
  Certificate certificate;
};

TestCa::TestCa(std::string const& common_name) : parts_(std::make_unique<Parts>()) {
  parts_->key.reset(EVP_EC_gen("P-256"));
  demand(parts_->key != nullptr, "a key");
  parts_->certificate = begin(common_name, parts_->key.get(), 30);
  auto* const self = parts_->certificate.get();
  X509_set_issuer_name(self, X509_get_subject_name(self));
  extend(self, self, NID_basic_constraints, "critical,CA:TRUE");
  extend(self, self, NID_key_usage, "critical,keyCertSign,cRLSign");
  extend(self, self, NID_subject_key_identifier, "hash");
  demand(X509_sign(self, parts_->key.get(), EVP_sha256()) > 0, "signing");
}

TestCa::~TestCa() = default;

std::string TestCa::certificate_pem() const { return pem(parts_->certificate.get()); }

Leaf TestCa::issue(std::vector<std::string> const& names, int days) const {
  demand(!names.empty(), "a name");
  Key const key(EVP_EC_gen("P-256"));
  auto const certificate = begin(names.front(), key.get(), days);
  auto* const issuer = parts_->certificate.get();
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer));
  extend(certificate.get(), issuer, NID_basic_constraints, "critical,CA:FALSE");
  extend(certificate.get(), issuer, NID_subject_alt_name, alternative_names(names));
  extend(certificate.get(), issuer, NID_ext_key_usage, "serverAuth");
  extend(certificate.get(), issuer, NID_authority_key_identifier, "keyid");
  demand(X509_sign(certificate.get(), parts_->key.get(), EVP_sha256()) > 0, "signing");
  return {pem(certificate.get()), pem(key.get())};
}

}  // namespace rekeyd::test
