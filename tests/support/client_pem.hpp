#pragma once
#include "policy/instant.hpp"

#include <string>

namespace rekeyd::test {

/// A client certificate, self-signed, and its key: PEM texts.
struct ClientPem {
  std::string key;
  std::string certificate;
  std::string both() const { return key + certificate; }
};

enum class ClientKey { rsa_2048, rsa_1024, ec };

ClientPem make_client_pem(Instant not_before, Instant not_after, ClientKey kind = ClientKey::rsa_2048);
/// The key encrypted with a passphrase.
std::string encrypted(std::string const& key_pem);

/// Does the signature of a JSON web token (PS256 or RS256 by its header's word) belong to the certificate?
bool verifies(std::string const& token, std::string const& algorithm, std::string const& certificate_pem);

}  // namespace rekeyd::test
