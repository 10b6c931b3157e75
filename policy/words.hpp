#pragma once
#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

namespace rekeyd {

/// An enumeration's words for the outside (JSON, database, docs), written once as a table and read both
/// ways, so that what we print is always what we parse.
template <class Enum, std::size_t size>
struct Words {
  std::array<std::pair<Enum, char const*>, size> table;

  constexpr char const* word(Enum value) const {
    auto const found = std::ranges::find(table, value, &std::pair<Enum, char const*>::first);
    return found == table.end() ? "" : found->second;
  }
  constexpr std::optional<Enum> value(std::string_view word) const {
    for (auto const& [candidate, text] : table) {
      if (word == text) return candidate;
    }
    return std::nullopt;
  }
};

template <class Enum, std::size_t size>
constexpr Words<Enum, size> words(std::pair<Enum, char const*> const (&pairs)[size]) {
  return {std::to_array(pairs)};
}

}  // namespace rekeyd
