#include "tests/simulator/message.hpp"

#include <boost/json.hpp>
#include <boost/url/decode_view.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>

#include <fnmatch.h>

namespace rekeyd::sim {

namespace urls = boost::urls;
namespace json = boost::json;

namespace {

char lower_letter(char letter) {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

bool same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower_letter(x) == lower_letter(y); });
}

}  // namespace

std::string_view Request::header(std::string_view name) const {
  for (auto const& [field, value] : headers) {
    if (same_name(field, name)) return value;
  }
  return {};
}

std::optional<std::string> Target::param(std::string_view name) const {
  auto const found = params.find(std::string(name));
  if (found == params.end()) return std::nullopt;
  return found->second;
}

std::optional<Target> parse_target(std::string_view target) {
  auto const parsed = urls::parse_origin_form(target);
  if (!parsed) return std::nullopt;
  Target result;
  result.path = parsed->path();
  for (auto const& segment : parsed->segments()) result.segments.push_back(segment);
  for (auto const& param : parsed->params()) result.params.emplace(param.key, param.value);
  return result;
}

std::map<std::string, std::string> parse_form(std::string_view body) {
  std::string encoded(body);
  std::ranges::replace(encoded, '+', ' ');
  // A space is not a legal URL character; written as an escape it is.
  for (auto at = encoded.find(' '); at != std::string::npos; at = encoded.find(' ', at)) {
    encoded.replace(at, 1, "%20");
  }
  std::string const target = "/?" + encoded;  // The parsed view refers to it.
  auto const parsed = urls::parse_origin_form(target);
  std::map<std::string, std::string> fields;
  if (!parsed) return fields;
  for (auto const& param : parsed->params()) fields.emplace(param.key, param.value);
  return fields;
}

Answer json_answer(unsigned status, json::value const& body) {
  return {status, {{"Content-Type", "application/json; charset=utf-8"}}, json::serialize(body)};
}

std::optional<json::object> json_object(std::string_view body) {
  json::error_code error;
  auto value = json::parse({body.data(), body.size()}, error);
  if (error || !value.is_object()) return std::nullopt;
  return std::move(value.as_object());
}

std::optional<std::string> string_member(json::object const& object, std::string_view name) {
  auto const* value = object.if_contains({name.data(), name.size()});
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return std::string(value->get_string());
}

std::optional<std::int64_t> integer_member(json::object const& object, std::string_view name) {
  auto const* value = object.if_contains({name.data(), name.size()});
  if (value == nullptr) return std::nullopt;
  json::error_code error;
  auto const number = value->to_number<std::int64_t>(error);
  if (error) return std::nullopt;
  return number;
}

std::optional<bool> bool_member(json::object const& object, std::string_view name) {
  auto const* value = object.if_contains({name.data(), name.size()});
  if (value == nullptr || !value->is_bool()) return std::nullopt;
  return value->get_bool();
}

std::string_view bearer_token(Request const& request) {
  auto const value = request.header("Authorization");
  constexpr std::string_view scheme = "Bearer ";
  if (value.size() <= scheme.size() || !same_name(value.substr(0, scheme.size()), scheme)) return {};
  return value.substr(scheme.size());
}

std::string_view port_suffix(std::string_view authority) {
  auto const colon = authority.rfind(':');
  return colon == std::string_view::npos ? std::string_view() : authority.substr(colon);
}

bool matches_pattern(std::string const& pattern, std::string const& text) {
  if (pattern == "*") return true;
  return ::fnmatch(pattern.c_str(), text.c_str(), FNM_CASEFOLD) == 0;
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), lower_letter);
  return result;
}

}  // namespace rekeyd::sim
