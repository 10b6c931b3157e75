#include "daemon/control/json_members.hpp"

#include "daemon/control/utf8.hpp"

#include <algorithm>

namespace rekeyd::daemon {

namespace json = boost::json;

namespace {

// Our documents are shallow; what nests deeper is not ours.
constexpr std::size_t nesting_max = 16;

}  // namespace

Members::Members(json::value const& value, std::string place)
    : object_(value.if_object()), place_(std::move(place)) {
  if (object_ == nullptr) throw Malformed{place_ + " is not an object"};
}

void Members::fail(char const* name, std::string const& problem) const {
  throw Malformed{"member '" + std::string(name) + "' of " + place_ + " " + problem};
}

json::value const* Members::find(char const* name) const {
  json::value const* const found = object_->if_contains(name);
  return found == nullptr || found->is_null() ? nullptr : found;
}

json::value const& Members::required(char const* name) const {
  json::value const* const found = find(name);
  if (found == nullptr) fail(name, "is missing");
  return *found;
}

std::string Members::text(char const* name) const {
  json::value const& value = required(name);
  if (!value.is_string()) fail(name, "is not a string");
  return std::string(value.get_string());
}

bool Members::flag(char const* name) const {
  json::value const& value = required(name);
  if (!value.is_bool()) fail(name, "is neither true nor false");
  return value.get_bool();
}

bool Members::flag_if(char const* name) const { return find(name) != nullptr && flag(name); }

std::int64_t Members::integer(char const* name) const {
  json::error_code ec;
  auto const number = required(name).to_number<std::int64_t>(ec);
  if (ec) fail(name, "is not a whole number");
  return number;
}

std::uint64_t Members::count(char const* name) const {
  json::error_code ec;
  auto const number = required(name).to_number<std::uint64_t>(ec);
  if (ec) fail(name, "is not a count");
  return number;
}

Instant Members::instant(char const* name) const {
  std::string const found = text(name);
  if (auto const parsed = parse_rfc3339(found)) return *parsed;
  fail(name, "is not an RFC 3339 time: '" + found + "'");
}

KeyRef Members::key(char const* name) const {
  std::string const found = text(name);
  if (auto parsed = KeyRef::parse(found)) return std::move(*parsed);
  fail(name, "is not PROVIDER/VAULT/ID: '" + found + "'");
}

std::vector<std::string> Members::texts(char const* name) const {
  json::value const& value = required(name);
  if (!value.is_array()) fail(name, "is not an array");
  std::vector<std::string> all;
  for (json::value const& one : value.get_array()) {
    if (!one.is_string()) fail(name, "has an element that is not a string");
    all.emplace_back(one.get_string());
  }
  return all;
}

std::map<std::string, std::string> Members::text_map(char const* name) const {
  Members const inner = object(name);
  std::map<std::string, std::string> all;
  for (auto const& [member, value] : *inner.object_) {
    if (!value.is_string()) fail(name, "has a member that is not a string");
    all.emplace(member, value.get_string());
  }
  return all;
}

std::map<std::string, std::size_t> Members::count_map(char const* name) const {
  Members const inner = object(name);
  std::map<std::string, std::size_t> all;
  for (auto const& member : *inner.object_) {
    json::error_code ec;
    all.emplace(member.key(), member.value().to_number<std::size_t>(ec));
    if (ec) fail(name, "has a member that is not a count");
  }
  return all;
}

Members Members::object(char const* name) const {
  return Members(required(name), "'" + std::string(name) + "' of " + place_);
}

std::vector<Members> Members::objects(char const* name) const {
  json::value const& value = required(name);
  if (!value.is_array()) fail(name, "is not an array");
  std::vector<Members> all;
  for (json::value const& one : value.get_array()) {
    all.emplace_back(one, "'" + std::string(name) + "[" + std::to_string(all.size()) + "]' of " + place_);
  }
  return all;
}

std::optional<std::string> Members::text_if(char const* name) const {
  if (find(name) == nullptr) return std::nullopt;
  return text(name);
}

std::string Members::text_or_empty(char const* name) const {
  if (!object_->contains(name)) fail(name, "is missing");
  return text_if(name).value_or("");
}

std::optional<Instant> Members::instant_if(char const* name) const {
  if (find(name) == nullptr) return std::nullopt;
  return instant(name);
}

std::optional<std::int64_t> Members::integer_if(char const* name) const {
  if (find(name) == nullptr) return std::nullopt;
  return integer(name);
}

std::optional<Members> Members::object_if(char const* name) const {
  if (find(name) == nullptr) return std::nullopt;
  return object(name);
}

void Members::only(std::initializer_list<std::string_view> allowed) const {
  std::string names;
  for (std::string_view const name : allowed)
    names += (names.empty() ? "'" : ", '") + std::string(name) + "'";
  for (auto const& member : *object_) {
    std::string_view const name = member.key();
    if (std::ranges::find(allowed, name) == allowed.end()) {
      throw Malformed{"unknown member '" + std::string(name) + "' in " + place_ + "; it takes " + names};
    }
  }
}

json::value parse_document(std::string_view text) {
  json::parse_options options;
  options.max_depth = nesting_max;
  json::error_code ec;
  json::value value = json::parse(text, ec, {}, options);
  if (ec) throw Malformed{"not JSON: " + ec.message()};
  return value;
}

void check_schema(Members const& document, std::string_view schema) {
  std::string const found = document.text("schema");
  if (found != schema) throw Malformed{"schema is '" + found + "', not '" + std::string(schema) + "'"};
}

Error malformed_error(std::string const& what, std::string_view schema) {
  Error error;
  error.error_class = ErrorClass::malformed;
  error.code = "malformed";
  error.what = what;
  if (!schema.empty()) {
    error.where = "a document of schema " + std::string(schema);
    error.remedy = "rekeyctl and rekeyd should be of the same release";
  }
  return error;
}

std::string to_json(json::object const& document) { return repaired_utf8(json::serialize(document)); }

json::value json_time(std::optional<Instant> const& instant) {
  if (!instant) return nullptr;
  return json::value(to_rfc3339(*instant));
}

json::value json_text(std::optional<std::string> const& text) {
  if (!text) return nullptr;
  return json::value(*text);
}

json::value json_said(std::string const& text) {
  if (text.empty()) return nullptr;
  return json::value(text);
}

json::array json_texts(std::vector<std::string> const& texts) {
  json::array array;
  for (std::string const& text : texts) array.emplace_back(text);
  return array;
}

}  // namespace rekeyd::daemon
