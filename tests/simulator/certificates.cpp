#include "tests/simulator/certificates.hpp"

#include "tests/simulator/openssl_handles.hpp"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <fstream>
#include <set>
#include <stdexcept>

#include <sys/stat.h>

namespace rekeyd::sim {

namespace {

constexpr long month = 31L * 86'400;

Pkey make_key() {
  Pkey key(EVP_EC_gen("P-256"));
  if (!key) throw std::runtime_error("OpenSSL made no P-256 key");
  return key;
}

void extend(X509* certificate, X509* issuer, int kind, std::string const& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  Extension const extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  if (!extension || X509_add_ext(certificate, extension.get(), -1) != 1) {
    throw std::runtime_error("OpenSSL refused the certificate extension " + value);
  }
}

Certificate make_certificate(char const* name, EVP_PKEY* key, long serial) {
  Certificate certificate(X509_new());
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), month);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<unsigned char const*>(name), -1, -1, 0);
  return certificate;
}

Certificate make_authority(EVP_PKEY* key) {
  auto authority = make_certificate("rekeyd-sim authority", key, 1);
  X509_set_issuer_name(authority.get(), X509_get_subject_name(authority.get()));
  extend(authority.get(), authority.get(), NID_basic_constraints, "critical,CA:TRUE");
  extend(authority.get(), authority.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  extend(authority.get(), authority.get(), NID_subject_key_identifier, "hash");
  X509_sign(authority.get(), key, EVP_sha256());
  return authority;
}

Certificate make_server(EVP_PKEY* key, X509* authority, EVP_PKEY* authority_key, std::string const& names) {
  auto server = make_certificate("rekeyd-sim", key, 2);
  X509_set_issuer_name(server.get(), X509_get_subject_name(authority));
  extend(server.get(), authority, NID_basic_constraints, "critical,CA:FALSE");
  extend(server.get(), authority, NID_ext_key_usage, "serverAuth");
  extend(server.get(), authority, NID_authority_key_identifier, "keyid");
  extend(server.get(), authority, NID_subject_alt_name, names);
  X509_sign(server.get(), authority_key, EVP_sha256());
  return server;
}

std::string pem(Bio const& bio) {
  char* data = nullptr;
  long const size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string pem(X509* certificate) {
  Bio const bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), certificate);
  return pem(bio);
}

std::string pem(EVP_PKEY* key) {
  Bio const bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return pem(bio);
}

void write(std::filesystem::path const& file, std::string const& text, mode_t mode) {
  std::ofstream out(file, std::ios::trunc);
  ::chmod(file.c_str(), mode);
  out << text;
  out.close();
  if (!out) throw std::runtime_error("cannot write " + file.string());
}

}  // namespace

std::expected<void, std::string> make_certificates(std::filesystem::path const& folder,
                                                   std::vector<std::string> const& hosts) {
  std::string names = "DNS:localhost,IP:127.0.0.1";
  for (auto const& host : std::set<std::string>(hosts.begin(), hosts.end())) names += ",DNS:" + host;
  try {
    std::filesystem::create_directories(folder);
    Pkey const authority_key = make_key();
    Pkey const server_key = make_key();
    Certificate const authority = make_authority(authority_key.get());
    Certificate const server = make_server(server_key.get(), authority.get(), authority_key.get(), names);
    write(folder / "ca.pem", pem(authority.get()), 0644);
    write(folder / "server.pem", pem(server.get()), 0644);
    write(folder / "server.key", pem(server_key.get()), 0600);
  } catch (std::exception const& error) {
    return std::unexpected(error.what());
  }
  return {};
}

}  // namespace rekeyd::sim
