#include "providers/http/transport.hpp"

#include "providers/http/near_address.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <system_error>

namespace rekeyd::providers {
namespace {

namespace urls = boost::urls;

char const* own_port(bool https) { return https ? "443" : "80"; }

bool has_own_port(Endpoint const& endpoint) { return endpoint.port == own_port(endpoint.https); }

std::unexpected<Error> refuse(std::string_view url, std::string_view why) {
  Error error;
  error.error_class = ErrorClass::permanent;
  error.delivery = Delivery::not_sent;
  error.what = fmt::format("not the address of a service: {}", why);
  error.where = url;
  error.remedy = "write https://host or https://host:port";
  return std::unexpected(std::move(error));
}

// 0 for anything that is no port; url_view::port_number() wraps what does not fit.
std::uint16_t port_number(std::string_view text) {
  std::uint16_t number = 0;
  auto const [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  return problem == std::errc() && end == text.data() + text.size() ? number : std::uint16_t{0};
}

bool has_more_than_origin(urls::url_view const& url) {
  auto const path = url.encoded_path();
  return (!path.empty() && path != "/") || url.has_query() || url.has_fragment() || url.has_userinfo();
}

}  // namespace

std::string Endpoint::text() const { return fmt::format("{}://{}", https ? "https" : "http", host_header()); }

std::string Endpoint::host_header() const {
  return has_own_port(*this) ? host : fmt::format("{}:{}", host, port);
}

Result<Endpoint> Endpoint::parse(std::string_view url) {
  auto const parsed = urls::parse_uri(urls::string_view(url.data(), url.size()));
  if (!parsed) return refuse(url, "it is not a URL");
  if (parsed->scheme() != "https" && parsed->scheme() != "http")
    return refuse(url, "the scheme must be https");
  if (has_more_than_origin(*parsed)) return refuse(url, "nothing may follow or precede host and port");

  Endpoint endpoint;
  endpoint.https = parsed->scheme() == "https";
  endpoint.host = std::string(parsed->encoded_host());
  std::ranges::transform(endpoint.host, endpoint.host.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (endpoint.host.empty()) return refuse(url, "there is no host");
  if (endpoint.host.back() == '.') return refuse(url, "the host must not end with a dot");
  if (endpoint.host.find('%') != std::string::npos)
    return refuse(url, "the host must not be percent-encoded");
  endpoint.port = own_port(endpoint.https);
  if (!parsed->has_port() || parsed->port().empty()) return endpoint;
  auto const port = port_number(std::string_view(parsed->port().data(), parsed->port().size()));
  if (port == 0) return refuse(url, "the port must be a number from 1 to 65535");
  endpoint.port = std::to_string(port);
  return endpoint;
}

bool may_go_in_clear(Endpoint const& endpoint) {
  std::string_view host = endpoint.host;
  if (host == "localhost" || host.ends_with(".localhost")) return true;
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  boost::system::error_code not_an_address;
  auto const address = boost::asio::ip::make_address(host, not_an_address);
  return !not_an_address && is_near(address);
}

bool is_near(boost::asio::ip::address const& address) {
  if (address.is_loopback()) return true;
  if (address.is_v6()) return address.to_v6().is_link_local();
  auto const bytes = address.to_v4().to_bytes();
  return bytes[0] == 169 && bytes[1] == 254;
}

std::string_view HttpResponse::header(std::string_view name) const {
  auto const same_name = [name](auto const& header) { return boost::beast::iequals(header.first, name); };
  auto const found = std::ranges::find_if(headers, same_name);
  return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

}  // namespace rekeyd::providers
