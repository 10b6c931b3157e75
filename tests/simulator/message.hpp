#pragma once
#include "tests/simulator/service.hpp"

#include <boost/json/fwd.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rekeyd::sim {

/// A request target taken apart; everything percent-decoded.
struct Target {
  std::string path;                   ///< "/keys/root/versions"
  std::vector<std::string> segments;  ///< {"keys", "root", "versions"}; a trailing '/' adds an empty one.
  std::map<std::string, std::string> params;  ///< Of a name given twice the first wins.

  /// The parameter's value, or nothing.
  std::optional<std::string> param(std::string_view name) const;
};

/// Nothing when the target is not a path with an optional query, or an escape in it is broken.
std::optional<Target> parse_target(std::string_view target);

/// The fields of an application/x-www-form-urlencoded body; what cannot be decoded is left out.
std::map<std::string, std::string> parse_form(std::string_view body);

/// An answer with a JSON body and "Content-Type: application/json; charset=utf-8".
Answer json_answer(unsigned status, boost::json::value const& body);

/// The body as a JSON object, or nothing.
std::optional<boost::json::object> json_object(std::string_view body);

/// A member of that kind, or nothing when it is absent or of another kind.
std::optional<std::string> string_member(boost::json::object const& object, std::string_view name);
std::optional<std::int64_t> integer_member(boost::json::object const& object, std::string_view name);
std::optional<bool> bool_member(boost::json::object const& object, std::string_view name);

/// The token of "Authorization: Bearer TOKEN", or empty.
std::string_view bearer_token(Request const& request);

/// ":8443" of "kv.vault.localhost:8443", or empty.
std::string_view port_suffix(std::string_view authority);

/// Shell patterns ('*', '?', '[…]') over the whole text; letters in any case.
bool matches_pattern(std::string const& pattern, std::string const& text);

/// Letters A to Z in lower case.
std::string lower(std::string_view text);

}  // namespace rekeyd::sim
