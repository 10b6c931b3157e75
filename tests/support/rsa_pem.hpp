#pragma once
#include <string>

namespace rekeyd::test {

/// An RSA private key as PEM (PKCS#8) without a passphrase, as the owner of an imported key hands it in. The
/// `number`th of its size is the same one throughout a run.
std::string const& rsa_pem(unsigned bits = 2048, int number = 0);

}  // namespace rekeyd::test
