#include "providers/http/wire_request.hpp"

#include <boost/beast/core/string.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace rekeyd::providers {
namespace {

constexpr std::string_view user_agent = "rekeyd/" REKEYD_VERSION;

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// RFC 9110, 5.6.2.
bool is_token(std::string_view text) {
  std::string_view const also = "!#$%&'*+-.^_`|~";
  return !text.empty() &&
         std::ranges::all_of(text, [also](char c) { return is_alphanumeric(c) || also.contains(c); });
}

// A name, an IPv4 address, or an IPv6 address in brackets.
bool is_host(std::string_view text) {
  std::string_view const also = "-._~:[]";
  return !text.empty() &&
         std::ranges::all_of(text, [also](char c) { return is_alphanumeric(c) || also.contains(c); });
}

bool is_target(std::string_view text) {
  return text.starts_with('/') && std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
}

bool is_field_value(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

// What is wrong, never with the value itself: it may be a token.
std::string defect(HttpRequest const& request) {
  if (!is_token(request.method)) return "the method is not a word";
  if (!is_target(request.target)) return "the path holds characters that must be percent-encoded";
  if (!is_host(request.endpoint.host)) return "the host is not a name";
  for (auto const& [name, value] : request.headers) {
    if (!is_token(name)) return "the name of a header is not a word";
    if (!is_field_value(value)) return fmt::format("header {} holds a line break", name);
  }
  return {};
}

bool has_header(HttpRequest const& request, std::string_view name) {
  return std::ranges::any_of(
      request.headers, [name](auto const& header) { return boost::beast::iequals(header.first, name); });
}

bool announces_length(HttpRequest const& request) {
  auto const& method = request.method;
  return !request.body.empty() || method == "POST" || method == "PUT" || method == "PATCH";
}

void append(Body& out, std::initializer_list<std::string_view> pieces) {
  for (auto const piece : pieces) out.append(piece);
}

std::size_t expected_size(HttpRequest const& request) {
  std::size_t size = 160 + request.method.size() + request.target.size() + request.endpoint.host.size();
  for (auto const& [name, value] : request.headers) size += name.size() + value.size() + 4;
  return size + request.body.size();
}

}  // namespace

std::string where_of(HttpRequest const& request) {
  auto const path = std::string_view(request.target).substr(0, request.target.find('?'));
  return fmt::format("{} {}{}", request.method, request.endpoint.host_header(), path);
}

bool is_safe(std::string_view method) {
  constexpr std::array<std::string_view, 4> safe{"GET", "HEAD", "OPTIONS", "TRACE"};
  return std::ranges::find(safe, method) != safe.end();
}

Result<Body> to_wire(HttpRequest const& request) {
  if (auto wrong = defect(request); !wrong.empty()) {
    Error error;
    error.error_class = ErrorClass::permanent;
    error.delivery = Delivery::not_sent;
    error.what = "the request cannot be sent: " + std::move(wrong);
    error.where = request.endpoint.host_header();
    return std::unexpected(std::move(error));
  }
  Body wire;
  wire.reserve(expected_size(request));
  append(wire, {request.method, " ", request.target, " HTTP/1.1\r\nHost: ", request.endpoint.host_header(),
                "\r\n"});
  if (!has_header(request, "User-Agent")) append(wire, {"User-Agent: ", user_agent, "\r\n"});
  for (auto const& [name, value] : request.headers) append(wire, {name, ": ", value, "\r\n"});
  if (announces_length(request))
    append(wire, {"Content-Length: ", fmt::to_string(request.body.size()), "\r\n"});
  append(wire, {"\r\n", request.body});
  return wire;
}

}  // namespace rekeyd::providers
