// Whatever a server writes into WWW-Authenticate: it is read or refused, and what is read and verified is
// below the host that asked.
#include "providers/auth/bearer_challenge.hpp"
#include "providers/auth/key_vault_challenge.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace rekeyd::providers;
  std::string_view const header(reinterpret_cast<char const*>(data), size);
  auto const claims = demanded_claims(header);
  if (!claims.empty() && (claims.front() != '{' || claims.back() != '}')) std::abort();
  auto const challenge = parse_key_vault_challenge(header);
  if (!challenge) return 0;
  if (challenge->tenant.empty() || challenge->authority.host.empty()) std::abort();
  Endpoint asked;
  asked.host = "kv1.vault.azure.net";
  TrustedAuthority trusted;
  trusted.authority.host = "login.microsoftonline.com";
  trusted.tenant = "11111111-2222-3333-4444-555555555555";
  trusted.resource = "https://vault.azure.net";
  if (!verify_key_vault_challenge(*challenge, asked, trusted)) return 0;
  auto const resource = Endpoint::parse(challenge->resource);
  if (!resource || !asked.host.ends_with("." + resource->host)) std::abort();
  if (!challenge->authority.https) std::abort();
  return 0;
}
