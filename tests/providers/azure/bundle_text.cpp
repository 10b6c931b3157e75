#include "tests/providers/azure/bundle_text.hpp"

namespace rekeyd::test {

namespace {

std::string object(std::map<std::string, std::string> const& members) {
  std::string text = "{";
  for (auto const& [name, value] : members) {
    if (text.size() > 1) text += ',';
    text += '"' + name + "\":" + value;
  }
  return text + "}";
}

std::string address(BundleText const& text) {
  return text.kid.empty() ? "\"https://" + text.host + "/keys/" + text.name + "/" + text.version + "\""
                          : text.kid;
}

}  // namespace

std::string BundleText::str() const {
  std::map<std::string, std::string> whole = members;
  std::string own = "{\"kid\":" + address(*this);
  if (!kty.empty()) own += ",\"kty\":\"" + kty + "\"";
  own += ",\"key_ops\":" + operations;
  if (kty.starts_with("RSA") || kty.starts_with("rsa")) {
    // 256 bytes are 342 characters; the first must have its top bit set.
    own += ",\"n\":\"" + (modulus.empty() ? "v" + std::string(341, 'x') : modulus) + "\",\"e\":\"" +
           exponent + "\"";
  }
  if (!key_more.empty()) own += "," + key_more;
  whole["key"] = key.empty() ? own + "}" : key;
  whole["attributes"] = object(attributes);
  return object(whole);
}

std::string BundleText::item() const {
  std::map<std::string, std::string> whole = members;
  whole["kid"] = address(*this);
  whole["attributes"] = object(attributes);
  return object(whole);
}

}  // namespace rekeyd::test
