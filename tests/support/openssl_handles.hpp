#pragma once
#include "providers/openssl_free.hpp"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

namespace rekeyd::test {

using Key = std::unique_ptr<EVP_PKEY, providers::Free<&EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, providers::Free<&X509_free>>;
using Bio = std::unique_ptr<BIO, providers::Free<&BIO_free_all>>;

/// What was written into a memory BIO.
inline std::string text_of(BIO* bio) {
  char* data = nullptr;
  auto const size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

}  // namespace rekeyd::test
