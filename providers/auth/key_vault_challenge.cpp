#include "providers/auth/key_vault_challenge.hpp"

#include <boost/beast/core/string.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <optional>

namespace rekeyd::providers {
namespace {

namespace urls = boost::urls;
using boost::beast::iequals;

constexpr std::size_t header_size_max = 8 << 10;

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

// A reader of RFC 9110's auth-param lists: name = token or quoted string, separated by commas.
class Parameters {
 public:
  explicit Parameters(std::string_view text) : rest_(text) {}

  /// The parameters after "Bearer", up to the next scheme; nothing if the text is not such a list.
  std::optional<std::map<std::string, std::string>> of_bearer() {
    if (!skip_to_bearer()) return std::nullopt;
    std::map<std::string, std::string> found;
    for (;;) {
      skip(" \t,");
      if (rest_.empty()) return found;
      auto const name = word();
      skip(" \t");
      if (name.empty()) return std::nullopt;
      if (!rest_.starts_with('=')) return found;  // a word without a value begins the next scheme
      rest_.remove_prefix(1);
      skip(" \t");
      auto value = value_text();
      if (!value) return std::nullopt;
      found.emplace(lower(name), std::move(*value));  // of two, the first counts
    }
  }

 private:
  static std::string lower(std::string_view text) {
    std::string out(text);
    for (auto& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return out;
  }

  void skip(char const* characters) {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(characters), rest_.size()));
  }

  std::string_view word() {
    auto const taken = rest_.substr(0, rest_.find_first_of(" \t,=\""));
    rest_.remove_prefix(taken.size());
    return taken;
  }

  std::optional<std::string> value_text() {
    if (!rest_.starts_with('"')) return std::string(word());
    std::string out;
    for (std::size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] == '"') {
        rest_.remove_prefix(i + 1);
        return out;
      }
      if (rest_[i] == '\\' && i + 1 < rest_.size()) ++i;
      out += rest_[i];
    }
    return std::nullopt;
  }

  bool skip_to_bearer() {
    while (!rest_.empty()) {
      skip(" \t,");
      auto const scheme = word();
      bool const followed = rest_.starts_with(' ') || rest_.starts_with('\t');
      if (followed && iequals(scheme, "Bearer")) return true;
      skip(" \t");
      if (rest_.starts_with('=')) {  // a parameter of another scheme
        rest_.remove_prefix(1);
        skip(" \t");
        if (!value_text()) return false;
      } else if (rest_.starts_with('"')) {
        return false;
      }
    }
    return false;
  }

  std::string_view rest_;
};

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

// Names of one and the same authority; the vaults' answers still use the old ones.
bool same_authority(std::string_view left, std::string_view right) {
  static constexpr std::array<std::array<std::string_view, 4>, 3> clouds{{
      {"login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"},
      {"login.microsoftonline.us", "login-us.microsoftonline.com", "", ""},
      {"login.chinacloudapi.cn", "login.partner.microsoftonline.cn", "", ""},
  }};
  if (left == right) return true;
  return std::ranges::any_of(clouds, [&](auto const& names) {
    return std::ranges::find(names, left) != names.end() && std::ranges::find(names, right) != names.end();
  });
}

bool trusts(TrustedAuthority const& trusted, Endpoint const& authority) {
  return authority.https && authority.port == trusted.authority.port &&
         same_authority(trusted.authority.host, authority.host);
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
  if (www_authenticate.size() > header_size_max) return malformed("it is too long");
  auto const parameters = Parameters(www_authenticate).of_bearer();
  if (!parameters) return malformed("it is not a Bearer challenge");
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
  if (!resource || !resource->https || !lies_below(asked.host, resource->host))
    return distrust(
        fmt::format("the vault asks for a token of {:.100}, where it does not belong", challenge.resource),
        asked, "check the vault's address: what answers there is not the vault");
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
