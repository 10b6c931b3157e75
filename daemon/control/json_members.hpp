#pragma once
#include "policy/error.hpp"
#include "policy/instant.hpp"
#include "policy/key.hpp"
#include "policy/names.hpp"

#include <boost/json.hpp>

#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Reading and writing the members of a JSON object: what protocol_*.cpp are made of. Included by those only.
namespace rekeyd::daemon {

/// A document that is not what it should be. Thrown while reading, turned into an Error by read_document().
struct Malformed {
  std::string what;
};

/// The members of one JSON object, with its place in the document for what goes wrong. The object outlives
/// it.
class Members {
 public:
  Members(boost::json::value const& value, std::string place);

  std::string text(char const* name) const;
  /// Must be there; null is empty, as json_said() writes it.
  std::string text_or_empty(char const* name) const;
  bool flag(char const* name) const;
  std::uint64_t count(char const* name) const;
  std::int64_t integer(char const* name) const;
  Instant instant(char const* name) const;
  KeyRef key(char const* name) const;
  std::vector<std::string> texts(char const* name) const;
  std::map<std::string, std::string> text_map(char const* name) const;
  std::map<std::string, std::size_t> count_map(char const* name) const;
  Members object(char const* name) const;
  std::vector<Members> objects(char const* name) const;

  /// Absent or null: nothing.
  bool flag_if(char const* name) const;  ///< False.
  std::optional<std::string> text_if(char const* name) const;
  std::optional<Instant> instant_if(char const* name) const;
  std::optional<std::int64_t> integer_if(char const* name) const;
  std::optional<Members> object_if(char const* name) const;

  /// One of an enumeration's words.
  template <class Enum>
  Enum word(char const* name, std::optional<Enum> (*parse)(std::string_view)) const {
    std::string const found = text(name);
    if (auto const value = parse(found)) return *value;
    fail(name, "has no such word: '" + found + "'");
  }
  template <class T>
  std::vector<T> list(char const* name, T (*read)(Members const&)) const {
    std::vector<T> all;
    for (Members const& one : objects(name)) all.push_back(read(one));
    return all;
  }
  template <class Named>
  std::optional<Named> name_if(char const* name) const {
    auto found = text_if(name);
    if (!found) return std::nullopt;
    return Named(std::move(*found));
  }

  /// Throws Malformed if there is a member besides these.
  void only(std::initializer_list<std::string_view> allowed) const;

 private:
  [[noreturn]] void fail(char const* name, std::string const& problem) const;
  boost::json::value const* find(char const* name) const;  ///< Null for an absent or null member.
  boost::json::value const& required(char const* name) const;

  boost::json::object const* object_;
  std::string place_;
};

/// Parses `text`, checks its schema (none is wanted if empty), and lets `read` make the value.
template <class T, class Read>
Result<T> read_document(std::string_view text, std::string_view schema, Read read);

boost::json::value parse_document(std::string_view text);
void check_schema(Members const& document, std::string_view schema);
Error malformed_error(std::string const& what, std::string_view schema);

template <class T, class Read>
Result<T> read_document(std::string_view text, std::string_view schema, Read read) {
  try {
    boost::json::value const value = parse_document(text);
    Members const document(value, "the document");
    if (!schema.empty()) check_schema(document, schema);
    return T(read(document));
  } catch (Malformed const& malformed) {
    return std::unexpected(malformed_error(malformed.what, schema));
  }
}

/// One line of JSON, valid UTF-8 whatever bytes the values hold.
std::string to_json(boost::json::object const& document);

/// The same with a list as the last member. Each element is written and let go before the next: a list of
/// every key or date would take many times its text as a tree. `document` has a member already.
template <class T, class Write>
std::string to_json(boost::json::object const& document, std::string_view list, std::vector<T> const& values,
                    Write write) {
  std::string text = to_json(document);
  text.pop_back();
  text.append(",\"").append(list).append("\":[");
  for (T const& value : values) {
    if (&value != &values.front()) text += ',';
    text += to_json(write(value));
  }
  return text += "]}";
}

boost::json::value json_time(std::optional<Instant> const& instant);
boost::json::value json_text(std::optional<std::string> const& text);
/// Null for an empty text: what there is nothing of is null everywhere.
boost::json::value json_said(std::string const& text);
boost::json::array json_texts(std::vector<std::string> const& texts);
template <class Named>
boost::json::value json_name(std::optional<Named> const& name) {
  if (!name) return nullptr;
  return boost::json::value(name->str());
}
template <class Map>
boost::json::object json_map(Map const& map) {
  boost::json::object object;
  for (auto const& [name, value] : map) object.emplace(name, value);
  return object;
}
template <class T, class Write>
boost::json::array json_list(std::vector<T> const& values, Write write) {
  boost::json::array array;
  array.reserve(values.size());
  for (T const& value : values) array.push_back(write(value));
  return array;
}

}  // namespace rekeyd::daemon
