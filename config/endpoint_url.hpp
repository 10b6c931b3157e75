#pragma once
#include "config/duration.hpp"
#include "config/settings.hpp"

#include <optional>

namespace rekeyd::config {

/// "https://host" or "https://host:port": where a service lives, without anything else.
struct EndpointUrl {
  std::string text;  ///< In lower case, without a final '/'.
  std::string host;  ///< In lower case, without the port.
};

/// No complaint repeats the text: somebody may have put a password into it.
std::expected<EndpointUrl, Complaint> parse_endpoint_url(std::string_view text);

/// The kind of service that this host can only be, if it is under one of the clouds' own domains. Source: the
/// providers' endpoint pages (Azure public, US government and China clouds; IBM public and private
/// endpoints).
std::optional<ProviderKind> kind_of_host(std::string_view host);

/// "host:port" cut in two: a name, an IPv4 address or an IPv6 address in brackets, and a port from 1 to
/// 65535.
struct HostPort {
  std::string host;
  unsigned port{};
};
std::optional<HostPort> parse_host_port(std::string_view text);

}  // namespace rekeyd::config
