#include "tests/support/rsa_pem.hpp"

#include "tests/support/openssl_handles.hpp"

#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <map>
#include <utility>

namespace rekeyd::test {

namespace {

std::string new_rsa_pem(unsigned bits) {
  Key const key(EVP_RSA_gen(bits));
  Bio const memory(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(memory.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  return text_of(memory.get());
}

}  // namespace

std::string const& rsa_pem(unsigned bits, int number) {
  static std::map<std::pair<unsigned, int>, std::string> made;
  std::string& text = made[{bits, number}];
  if (text.empty()) text = new_rsa_pem(bits);
  return text;
}

}  // namespace rekeyd::test
