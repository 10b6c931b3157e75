#include "storage/json_columns.hpp"

#include "storage/sqlite_error.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace rekeyd::storage {

namespace {

namespace json = boost::json;

template <class Strings>
std::string list_text(Strings const& strings) {
  json::array array;
  array.reserve(strings.size());
  for (std::string const& text : strings) array.emplace_back(text);
  return json::serialize(array);
}

[[noreturn]] void refuse_text(char const* column) {
  refuse(fmt::format("column {} holds text that no version of rekeyd writes", column), "damaged_column",
         "someone has edited the database: run rekeyctl verify, and restore the row from a backup");
}

json::value parse(std::string_view text, char const* column) {
  // Providers' words are kept byte for byte, also where they are not UTF-8.
  json::parse_options options;
  options.allow_invalid_utf8 = true;
  json::error_code error;
  json::value value = json::parse({text.data(), text.size()}, error, {}, options);
  if (error) refuse_text(column);
  return value;
}

std::string text_of(json::value const& value, char const* column) {
  if (!value.is_string()) refuse_text(column);
  return std::string(value.get_string());
}

}  // namespace

std::string to_json(std::map<std::string, std::string> const& map) {
  if (map.empty()) return "{}";
  json::object object;
  object.reserve(map.size());
  for (auto const& [name, value] : map) object.emplace(name, value);
  return json::serialize(object);
}

std::string to_json(std::vector<std::string> const& list) { return list_text(list); }
std::string to_json(std::set<std::string> const& set) { return list_text(set); }

std::map<std::string, std::string> parse_map(std::string_view text, char const* column) {
  std::map<std::string, std::string> map;
  if (text == "{}") return map;
  json::value const value = parse(text, column);
  if (!value.is_object()) refuse_text(column);
  for (auto const& [name, member] : value.get_object()) {
    map.emplace(std::string(name), text_of(member, column));
  }
  return map;
}

std::vector<std::string> parse_list(std::string_view text, char const* column) {
  std::vector<std::string> list;
  if (text == "[]") return list;
  json::value const value = parse(text, column);
  if (!value.is_array()) refuse_text(column);
  for (json::value const& member : value.get_array()) list.push_back(text_of(member, column));
  return list;
}

}  // namespace rekeyd::storage
