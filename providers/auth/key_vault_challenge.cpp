#include "providers/auth/key_vault_challenge.hpp"

#include "providers/auth/bearer_challenge.hpp"

#include <boost/beast/core/string.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>

namespace rekeyd::providers {
namespace {

namespace urls = boost::urls;
using boost::beast::iequals;

std::unexpected<Error> malformed(std::string what) {
  Error error;
  error.error_class = ErrorClass::malformed;
  error.what = "the vault's WWW-Authenticate cannot be used: " + std::move(what);
  return std::unexpected(std::move(error));
}

std::unexpected<Error> distrust(std::string what, Endpoint const& asked, char const* remedy) {
  Error error;
  error.error_class = ErrorClass::access;
  error.what = "no token is sent: " + std::move(what);
  error.where = asked.text();
  error.remedy = remedy;
  return std::unexpected(std::move(error));
}

std::string_view first_of(std::map<std::string, std::string> const& found, std::array<char const*, 2> names) {
  for (auto const* name : names) {
    auto const at = found.find(name);
    if (at != found.end()) return at->second;
  }
  return {};
}

urls::string_view as_url_view(std::string_view text) { return {text.data(), text.size()}; }

Result<KeyVaultChallenge> with_authority(std::string_view url) {
  auto const parsed = urls::parse_uri(as_url_view(url));
  if (!parsed || parsed->has_query() || parsed->has_fragment())
    return malformed("its authority is not a URL");
  auto const origin = parsed->encoded_origin();
  auto endpoint = Endpoint::parse(std::string_view(origin.data(), origin.size()));
  if (!endpoint || parsed->has_userinfo()) return malformed("its authority is not a URL of a service");
  KeyVaultChallenge challenge;
  challenge.authority = std::move(*endpoint);
  auto const segments = parsed->encoded_segments();
  if (!segments.empty())
    challenge.tenant = std::string((*segments.begin()).data(), (*segments.begin()).size());
  if (challenge.tenant.empty()) return malformed("its authority names no tenant");
  return challenge;
}

std::string audience(std::string_view resource) {
  constexpr std::string_view all_of_it = "/.default";
  if (resource.ends_with(all_of_it)) resource.remove_suffix(all_of_it.size());
  if (resource.ends_with('/')) resource.remove_suffix(1);
  return std::string(resource);
}

bool trusts(TrustedAuthority const& trusted, Endpoint const& authority) {
  bool const same = authority.host == trusted.authority.host ||
                    std::ranges::find(trusted.aliases, authority.host) != trusted.aliases.end();
  return same && authority.https && authority.port == trusted.authority.port;
}

bool is_guid(std::string_view text) {
  constexpr std::string_view shape = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  constexpr std::string_view digits = "0123456789abcdefABCDEF";
  return text.size() == shape.size() && std::ranges::equal(text, shape, [digits](char c, char wanted) {
           return wanted == '-' ? c == '-' : digits.find(c) != std::string_view::npos;
         });
}

// Below, label by label; and the resource is a service's domain, not a whole top-level one.
bool lies_below(std::string_view host, std::string_view domain) {
  return domain.find('.') != std::string_view::npos && host.size() > domain.size() + 1 &&
         host.ends_with(domain) && host[host.size() - domain.size() - 1] == '.' && host.front() != '.';
}

}  // namespace

Result<KeyVaultChallenge> parse_key_vault_challenge(std::string_view www_authenticate) {
  auto const parameters = bearer_parameters(www_authenticate);
  if (!parameters) return malformed("it is not a Bearer challenge, or too long");
  auto const authority = first_of(*parameters, {"authorization", "authorization_uri"});
  auto const resource = first_of(*parameters, {"resource", "scope"});
  if (authority.empty()) return malformed("it names no authority");
  if (resource.empty()) return malformed("it names no resource");
  auto challenge = with_authority(authority);
  if (challenge) challenge->resource = audience(resource);
  return challenge;
}

Result<void> verify_key_vault_challenge(KeyVaultChallenge const& challenge, Endpoint const& asked,
                                        TrustedAuthority const& trusted) {
  if (!asked.https)
    return distrust("the vault's address is not https", asked, "use the vault's https address");
  auto const resource = Endpoint::parse(challenge.resource);
  bool const own = challenge.resource == trusted.resource;
  if (!own || !resource || !resource->https || !lies_below(asked.host, resource->host))
    return distrust(
        fmt::format("the vault asks for a token of {:.100}, where it does not belong", challenge.resource),
        asked, "check the vault's address, the provider's kind and its cloud");
  if (!trusts(trusted, challenge.authority))
    return distrust(fmt::format("the vault sends us to {:.100}, which is not the configured authority",
                                challenge.authority.text()),
                    asked, "check the vault's address and the authority of this provider");
  bool const comparable = is_guid(challenge.tenant) && is_guid(trusted.tenant);
  if (comparable && !iequals(challenge.tenant, trusted.tenant))
    return distrust(
        fmt::format("the vault belongs to tenant {}, not to {}", challenge.tenant, trusted.tenant), asked,
        "configure the vault's tenant for this provider");
  return {};
}

}  // namespace rekeyd::providers
