#include "tests/simulator/ibm/key_query.hpp"
#include "tests/simulator/ibm/operations.hpp"
#include "tests/simulator/ibm/shapes.hpp"

#include <boost/json.hpp>

#include <algorithm>

namespace rekeyd::sim::ibm {

namespace json = boost::json;

namespace {

constexpr std::size_t search_limit = 5000;

Granted<std::vector<Key const*>> matching_keys(Instance& instance, Call const& call) {
  auto const tests = key_tests(call);
  if (!tests) return std::unexpected(tests.error());
  std::vector<Key const*> found;
  for (auto const& [id, key] : instance.keys(call.now)) {
    if (std::ranges::all_of(*tests, [&key](KeyTest const& test) { return test(key); })) found.push_back(&key);
  }
  return found;
}

std::optional<Refusal> apply_search(std::optional<Search> const& search, std::vector<Key const*>& keys) {
  if (!search) return std::nullopt;
  if (keys.size() > search_limit) {
    return Refusal{400, "KEY_SEARCH_TOO_BROAD", "The search would go through more than 5000 keys",
                   Refusal::Target{"query_param", "search"}};
  }
  std::erase_if(keys, [&search](Key const* key) { return !matches(*search, *key); });
  return std::nullopt;
}

json::object search_object(Search const& search) {
  json::array scopes;
  if (search.in_names) scopes.emplace_back("name");
  if (search.in_aliases) scopes.emplace_back("alias");
  return {{"query", search.text},
          {"scopes", std::move(scopes)},
          {"not", search.negated},
          {"exact", search.exact}};
}

Answer describe(Instance const& instance, Call const& call, std::vector<Key const*> const& keys,
                std::optional<Search> const& search) {
  json::array resources;
  for (auto const* key : keys) resources.emplace_back(key_object(instance, *key, call.now));
  if (!search) return collection(instance, key_type, std::move(resources));
  json::object body{{"metadata",
                     {{"collectionType", key_type},
                      {"collectionTotal", resources.size()},
                      {"searchQuery", search_object(*search)}}}};
  if (!resources.empty()) body["resources"] = std::move(resources);
  return json_answer(200, body);
}

}  // namespace

Outcome list_keys(Instance& instance, Call const& call) {
  auto const cut_at = page(call, 200, 5000);
  if (!cut_at) return std::unexpected(cut_at.error());
  auto const order = sort_keys(call.target.param("sort").value_or(""));
  if (!order) return std::unexpected(order.error());
  auto keys = matching_keys(instance, call);
  if (!keys) return std::unexpected(keys.error());
  std::optional<Search> search;
  if (auto const text = call.target.param("search")) search = parse_search(*text);
  if (auto const bad = apply_search(search, *keys)) return std::unexpected(*bad);
  sort(*keys, *order);
  return describe(instance, call, cut(*keys, *cut_at), search);
}

Outcome count_keys(Instance& instance, Call const& call) {
  auto const keys = matching_keys(instance, call);
  if (!keys) return std::unexpected(keys.error());
  return Answer{200, {{"Key-Total", std::to_string(keys->size())}}, {}};
}

}  // namespace rekeyd::sim::ibm
