#pragma once
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

/// Lists and maps as JSON text in one column, so that auditors can use SQLite's JSON functions on them.
namespace rekeyd::storage {

/// An object with its names in byte order and no white space: the same map is always the same text, which the
/// history chain relies on.
std::string to_json(std::map<std::string, std::string> const& map);
std::string to_json(std::vector<std::string> const& list);
std::string to_json(std::set<std::string> const& set);

/// The way back. Throws Refusal for anything else; `column` names the place.
std::map<std::string, std::string> parse_map(std::string_view json, char const* column);
std::vector<std::string> parse_list(std::string_view json, char const* column);

}  // namespace rekeyd::storage
