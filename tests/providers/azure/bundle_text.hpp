#pragma once
#include <map>
#include <string>

namespace rekeyd::test {

/// The text of a key bundle, to be spoiled member by member. Values are JSON texts.
struct BundleText {
  std::string host{"pay.vault.azure.net"};
  std::string name{"cmk"};
  std::string version{"11110000111100001111000011110000"};
  std::string kid;  ///< A JSON text instead of the one from host, name and version.
  std::string kty{"RSA-HSM"};
  std::string operations{R"(["wrapKey","unwrapKey"])"};
  std::string modulus;  ///< base64url; empty: 2048 bits that are no key's.
  std::string exponent{"AQAB"};
  std::string key_more;  ///< Further members of the key.
  std::string key;       ///< A JSON text instead of the whole key.
  std::map<std::string, std::string> attributes{{"enabled", "true"}, {"created", "1750000001"}};
  std::map<std::string, std::string> members;

  std::string str() const;
  /// The same version as an entry of a listing.
  std::string item() const;
};

}  // namespace rekeyd::test
