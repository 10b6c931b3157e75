#include "config/endpoint_url.hpp"

#include "config/name_syntax.hpp"

#include <boost/url/ipv6_address.hpp>
#include <boost/url/parse.hpp>

#include <array>
#include <charconv>

namespace rekeyd::config {

namespace {

Complaint complaint(std::string message, std::string hint) {
  return {"url", std::move(message), std::move(hint)};
}

/// Boost.URL's own port_number() wraps around above 65535.
std::optional<unsigned> parse_port(std::string_view digits) {
  unsigned port{};
  auto const [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  bool const valid =
      error == std::errc() && end == digits.data() + digits.size() && port >= 1 && port <= 65535;
  return valid ? std::optional(port) : std::nullopt;
}

/// What stands after host and port, judged.
std::optional<Complaint> tail_complaint(boost::urls::url_view const& url) {
  if (url.has_query() || url.has_fragment()) {
    return complaint("a service's URL has no '?' or '#' part", "write only https:// and the host");
  }
  std::string const path(url.encoded_path());
  if (path.empty() || path == "/") return std::nullopt;
  if (path.starts_with("/api/v2")) {
    return complaint("the URL must not contain /api/v2", "rekeyd adds it: end the URL after the host");
  }
  return complaint("a service's URL has no path", "write only https:// and the host");
}

}  // namespace

std::expected<EndpointUrl, Complaint> parse_endpoint_url(std::string_view text) {
  auto const parsed = boost::urls::parse_uri(text);
  if (!parsed) {
    return std::unexpected(complaint("not a URL", "write it like https://us-south.kms.cloud.ibm.com"));
  }
  boost::urls::url_view const& url = *parsed;
  if (url.scheme_id() != boost::urls::scheme::https) {
    return std::unexpected(complaint("a service is spoken to over https only", "begin it with https://"));
  }
  if (url.has_userinfo()) {
    return std::unexpected(
        complaint("a user name or password must not be in a URL", "credentials have a field of their own"));
  }
  std::string const host = lower_case(std::string(url.encoded_host()));
  bool const address = url.host_type() == boost::urls::host_type::ipv6;
  if (!address && !is_host(host)) return std::unexpected(complaint("the URL has no valid host name", ""));
  auto const port = url.has_port() ? parse_port(std::string(url.port())) : std::nullopt;
  if (url.has_port() && !port) {
    return std::unexpected(complaint("the port must be a number from 1 to 65535", ""));
  }
  if (auto tail = tail_complaint(url)) return std::unexpected(std::move(*tail));
  return EndpointUrl{"https://" + host + (port ? ":" + std::to_string(*port) : ""), host};
}

std::optional<ProviderKind> kind_of_host(std::string_view host) {
  struct Domain {
    std::string_view suffix;
    ProviderKind kind;
  };
  using enum ProviderKind;
  constexpr std::array domains{
      Domain{".kms.cloud.ibm.com", ibm_key_protect},
      Domain{".kms.appdomain.cloud", ibm_key_protect_dedicated},
      Domain{".hs-crypto.cloud.ibm.com", ibm_hpcs},
      Domain{".hs-crypto.appdomain.cloud", ibm_hpcs},
  };
  for (AzureCloud const& cloud : azure_clouds()) {
    if (host.ends_with("." + cloud.vault_domain)) return azure_key_vault;
    if (host.ends_with("." + cloud.managed_hsm_domain)) return azure_managed_hsm;
  }
  for (Domain const& domain : domains) {
    if (host.ends_with(domain.suffix)) return domain.kind;
  }
  return std::nullopt;
}

std::optional<HostPort> parse_host_port(std::string_view text) {
  auto const colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view const host = text.substr(0, colon);
  auto const port = parse_port(text.substr(colon + 1));
  if (!port) return std::nullopt;
  bool const bracketed = host.starts_with('[') && host.ends_with(']');
  bool const address =
      bracketed && boost::urls::parse_ipv6_address(host.substr(1, host.size() - 2)).has_value();
  if (!address && !is_host(host)) return std::nullopt;
  return HostPort{lower_case(host), *port};
}

}  // namespace rekeyd::config
