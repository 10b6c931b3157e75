#include "tests/simulator/azure/json_web_token.hpp"

#include "tests/simulator/crypto.hpp"
#include "tests/simulator/message.hpp"
#include "tests/simulator/openssl_handles.hpp"

#include <boost/json.hpp>
#include <openssl/rsa.h>

#include <stdexcept>

namespace rekeyd::sim::azure {

namespace json = boost::json;

namespace {

using Digest = std::unique_ptr<EVP_MD_CTX, FreeWith<&EVP_MD_CTX_free>>;

unsigned char const* bytes(std::string_view text) {
  return reinterpret_cast<unsigned char const*>(text.data());
}

std::optional<json::object> part(std::string_view text) {
  auto const decoded = from_base64url(text);
  return decoded ? json_object(*decoded) : std::nullopt;
}

// PS256: salt as long as the digest, no other (RFC 7518, 3.5).
bool pad_for(EVP_PKEY_CTX* context, std::string_view algorithm) {
  if (algorithm == "RS256") return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1;
  return algorithm == "PS256" && EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

}  // namespace

std::optional<JsonWebToken> read_token(std::string_view text) {
  auto const first = text.find('.');
  auto const last = text.rfind('.');
  if (first == std::string_view::npos || first == last) return std::nullopt;
  auto header = part(text.substr(0, first));
  auto claims = part(text.substr(first + 1, last - first - 1));
  auto signature = from_base64url(text.substr(last + 1));
  if (!header || !claims || !signature) return std::nullopt;
  return JsonWebToken{*std::move(header), *std::move(claims), std::string(text.substr(0, last)),
                      *std::move(signature)};
}

bool signed_by(JsonWebToken const& token, EVP_PKEY* key) {
  Digest const digest(EVP_MD_CTX_new());
  EVP_PKEY_CTX* context = nullptr;
  if (EVP_DigestVerifyInit(digest.get(), &context, EVP_sha256(), nullptr, key) != 1) return false;
  if (!pad_for(context, string_member(token.header, "alg").value_or(""))) return false;
  return EVP_DigestVerify(digest.get(), bytes(token.signature), token.signature.size(),
                          bytes(token.signed_part), token.signed_part.size()) == 1;
}

std::string sign_token(json::object const& header, json::object const& claims, EVP_PKEY* key) {
  std::string token = base64url(json::serialize(header)) + "." + base64url(json::serialize(claims));
  Digest const digest(EVP_MD_CTX_new());
  std::size_t size = 0;
  bool const begun = EVP_DigestSignInit(digest.get(), nullptr, EVP_sha256(), nullptr, key) == 1 &&
                     EVP_DigestSign(digest.get(), nullptr, &size, bytes(token), token.size()) == 1;
  std::string signature(size, '\0');
  auto* const out = reinterpret_cast<unsigned char*>(signature.data());
  if (!begun || EVP_DigestSign(digest.get(), out, &size, bytes(token), token.size()) != 1)
    throw std::runtime_error("a token cannot be signed");
  signature.resize(size);
  return token + "." + base64url(signature);
}

}  // namespace rekeyd::sim::azure
