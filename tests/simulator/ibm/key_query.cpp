#include "tests/simulator/ibm/key_query.hpp"

#include "tests/simulator/message.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rekeyd::sim::ibm {

namespace {

std::strong_ordering compare(Key const& a, Key const& b, SortKey const& by) {
  auto const order =
      by.property == nullptr ? a.id <=> b.id : std::strong_ordering(by.property(a) <=> by.property(b));
  return by.descending ? 0 <=> order : order;
}

}  // namespace

Search parse_search(std::string_view text) {
  Search search;
  auto const take = [&text](std::string_view prefix) {
    if (!text.starts_with(prefix)) return false;
    text.remove_prefix(prefix.size());
    return true;
  };
  for (;;) {
    if (take("escape:")) break;  // what follows is text, whatever it looks like
    if (take("not:"))
      search.negated = true;
    else if (take("exact:"))
      search.exact = true;
    else if (take("name:"))
      search.in_names = true;
    else if (take("alias:"))
      search.in_aliases = true;
    else
      break;
  }
  if (!search.in_names && !search.in_aliases) search.in_names = search.in_aliases = true;
  search.text = std::string(text);
  return search;
}

bool matches(Search const& search, Key const& key) {
  auto const fits = [&search](std::string const& name) {
    if (search.exact) return name == search.text;
    return lower(name).find(lower(search.text)) != std::string::npos;
  };
  bool const found =
      (search.in_names && fits(key.name)) || (search.in_aliases && std::ranges::any_of(key.aliases, fits));
  return found != search.negated;
}

Granted<std::vector<SortKey>> sort_keys(std::string_view sort) {
  std::vector<SortKey> keys;
  while (!sort.empty()) {
    auto const comma = std::min(sort.find(','), sort.size());
    auto name = sort.substr(0, comma);
    sort.remove_prefix(std::min(comma + 1, sort.size()));
    bool const descending = name.starts_with('-');
    if (descending) name.remove_prefix(1);
    auto const property = key_property(name);
    if (property == nullptr && name != "id") {
      return refuse_query("sort", fmt::format("The query_param 'sort' must be: a property, not '{}'", name));
    }
    keys.push_back({property, descending});
  }
  return keys;
}

void sort(std::vector<Key const*>& keys, std::vector<SortKey> const& by) {
  std::ranges::sort(keys, [&by](Key const* a, Key const* b) {
    for (auto const& property : by) {
      auto const order = compare(*a, *b, property);
      if (order != 0) return order < 0;
    }
    return a->id < b->id;  // so that pages never overlap
  });
}

}  // namespace rekeyd::sim::ibm
