#pragma once
#include "tests/simulator/ibm/call.hpp"
#include "tests/simulator/ibm/key.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What a list of keys can be asked for: state, extractable, filter, search, sort.
namespace rekeyd::sim::ibm {

using KeyTest = std::function<bool(Key const&)>;

/// A property of a key that lists can be filtered or sorted by, as a number: absent dates have none.
using KeyProperty = std::optional<long long> (*)(Key const&);
/// Nothing for a name that is no such property. "id" is none: it is the order that keys have anyway.
KeyProperty key_property(std::string_view name);
bool is_date_property(std::string_view name);

/// Everything of a query that decides whether a key is in the list. Without a word about states the deleted
/// keys are left out.
Granted<std::vector<KeyTest>> key_tests(Call const& call);

/// The terms of `filter`: `lastRotateDate=lt:"2026-01-01T00:00:00Z" extractable=false state=1,2`.
struct FilterTerm {
  std::string property;
  std::string value;
};
Granted<std::vector<FilterTerm>> filter_terms(std::string_view filter);
Granted<KeyTest> filter_test(FilterTerm const& term);

/// `search`: prefixes "not:", "escape:", "exact:", "name:", "alias:" in any order, then the text.
struct Search {
  std::string text;
  bool negated{};
  bool exact{};
  bool in_names{};
  bool in_aliases{};
};
Search parse_search(std::string_view text);
bool matches(Search const& search, Key const& key);

/// `sort`: properties from the most to the least important, `-` for descending order.
struct SortKey {
  KeyProperty property{};  ///< Null: the id.
  bool descending{};
};
Granted<std::vector<SortKey>> sort_keys(std::string_view sort);
void sort(std::vector<Key const*>& keys, std::vector<SortKey> const& by);

}  // namespace rekeyd::sim::ibm
