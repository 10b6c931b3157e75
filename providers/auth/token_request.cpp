#include "providers/auth/token_request.hpp"

#include "providers/encoding.hpp"
#include "providers/json.hpp"

#include <boost/beast/core/string.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace rekeyd::providers {
namespace {

namespace json = boost::json;
using std::chrono::seconds;

std::unexpected<Error> malformed(std::string what, std::string_view where) {
  Error error;
  error.error_class = ErrorClass::malformed;
  error.what = std::move(what);
  error.where = where;
  error.http_status = 200;
  return std::unexpected(std::move(error));
}

std::optional<std::int64_t> whole_number(json::object const& object, std::string_view name) {
  auto const* const member = object.if_contains(json::string_view(name.data(), name.size()));
  if (member == nullptr) return std::nullopt;
  if (auto const* number = member->if_int64()) return *number;
  auto const* const text = member->if_string();
  if (text == nullptr) return std::nullopt;
  std::int64_t number = 0;
  auto const* const end = text->data() + text->size();
  auto const [stop, problem] = std::from_chars(text->data(), end, number);
  if (problem != std::errc() || stop != end) return std::nullopt;
  return number;
}

std::optional<seconds> lifetime_of(json::object const& answer, Instant now) {
  constexpr std::int64_t a_year = 366LL * 86'400;
  auto left = whole_number(answer, "expires_in");
  if (!left) {
    auto end = whole_number(answer, "expiration");
    if (!end) end = whole_number(answer, "expires_on");
    if (end) left = *end - now.time_since_epoch().count();
  }
  if (!left || *left <= 0) return std::nullopt;
  return seconds(std::min(*left, a_year));
}

// RFC 6750, 2.1: what may stand in an Authorization header.
bool fit_for_header(std::string_view token) {
  return !token.empty() && std::ranges::all_of(token, [](char c) { return c > ' ' && c < '\x7f'; });
}

bool is_bearer(json::object const& answer) {
  auto const* const type = answer.if_contains("token_type");
  return type == nullptr || (type->is_string() && boost::beast::iequals(type->get_string(), "Bearer"));
}

}  // namespace

TokenForm& TokenForm::add(std::string_view name, std::string_view value) {
  if (!body_.empty()) body_ += '&';
  append_percent_encoded(body_, name);
  body_ += '=';
  append_percent_encoded(body_, value);
  return *this;
}

HttpRequest token_request(Endpoint issuer, std::string target, TokenForm form) {
  HttpRequest request;
  request.method = "POST";
  request.endpoint = std::move(issuer);
  request.target = std::move(target);
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}, {"Accept", "application/json"}};
  request.body = form.take();
  return request;
}

Result<IssuedToken> read_token(HttpResponse const& response, Instant now, std::string_view where) {
  auto const parsed = parse_wiping(response.body, where);
  if (!parsed) return std::unexpected(parsed.error());
  auto const* const answer = parsed->if_object();
  if (answer == nullptr) return malformed("the token answer is not a JSON object", where);
  auto const* const token = answer->if_contains("access_token");
  if (token == nullptr || !token->is_string())
    return malformed("the token answer has no access_token", where);
  std::string_view const text(token->get_string().data(), token->get_string().size());
  if (!fit_for_header(text))
    return malformed("the access_token is empty or holds forbidden characters", where);
  if (!is_bearer(*answer)) return malformed("the token is not a bearer token", where);
  auto const lifetime = lifetime_of(*answer, now);
  if (!lifetime)
    return malformed("the token answer does not say how long the token lives (expires_in)", where);

  IssuedToken issued;
  issued.bearer = Secret(text);
  issued.lifetime = *lifetime;
  auto const refresh_in = whole_number(*answer, "refresh_in");
  if (refresh_in && *refresh_in > 0) issued.refresh_in = seconds(*refresh_in);
  return issued;
}

std::string error_text(json::object const& object, std::string_view name) {
  constexpr std::size_t longest = 300;
  auto const* const member = object.if_contains(json::string_view(name.data(), name.size()));
  if (member == nullptr || !member->is_string()) return {};
  std::string_view text(member->get_string().data(), member->get_string().size());
  text = text.substr(0, text.find_first_of("\r\n"));
  std::string clean;
  for (char const c : text.substr(0, longest)) {
    bool const control = static_cast<unsigned char>(c) < ' ' || c == '\x7f';
    clean += control ? ' ' : c;
  }
  return clean;
}

}  // namespace rekeyd::providers
