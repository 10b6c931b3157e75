#include "tests/simulator/ibm/operations.hpp"
#include "tests/simulator/ibm/shapes.hpp"

#include <boost/json.hpp>

#include <algorithm>

namespace rekeyd::sim::ibm {

namespace json = boost::json;

namespace {

struct Filter {
  Page page;
  bool with_total{};
  std::optional<bool> prevents_deletion{};
  std::string crn_query{};
};

std::unexpected<Refusal> refuse_crn_query(std::string const& message) {
  return refuse_query("urlEncodedResourceCRNQuery", message);
}

/// On the route of all keys, the first eight segments may not hold a `*`.
std::optional<Refusal> crn_query_objection(std::string const& query, bool all_keys) {
  constexpr auto separators = 9;
  constexpr int exact_segments = 8;
  if (query.empty()) return std::nullopt;
  if (std::ranges::count(query, ':') < separators) {
    return refuse_crn_query("The query_param 'urlEncodedResourceCRNQuery' must be: a CRN of ten segments")
        .error();
  }
  auto const star = query.find('*');
  if (!all_keys || star == std::string::npos) return std::nullopt;
  auto const before = std::string_view(query).substr(0, star);
  if (std::ranges::count(before, ':') >= exact_segments) return std::nullopt;
  return refuse_crn_query(
             "The query_param 'urlEncodedResourceCRNQuery' must be: without '*' in the first 8 segments")
      .error();
}

Granted<Filter> read_filter(Call const& call, bool all_keys) {
  auto const cut_at = page(call, 200, 5000);
  if (!cut_at) return std::unexpected(cut_at.error());
  auto const with_total = flag_param(call, "totalCount");
  if (!with_total) return std::unexpected(with_total.error());
  auto const prevents = bool_param(call, "preventKeyDeletion");
  if (!prevents) return std::unexpected(prevents.error());
  auto query = call.target.param("urlEncodedResourceCRNQuery").value_or("");
  if (auto const bad = crn_query_objection(query, all_keys)) return std::unexpected(*bad);
  return Filter{*cut_at, *with_total, *prevents, std::move(query)};
}

bool passes(Filter const& filter, Registration const& registration) {
  if (filter.prevents_deletion && *filter.prevents_deletion != registration.prevents_deletion) return false;
  return filter.crn_query.empty() || crn_matches(filter.crn_query, registration.resource_crn);
}

using Found = std::vector<std::pair<Key const*, Registration const*>>;

void find_in(Key const& key, Filter const& filter, Found& found) {
  for (auto const& registration : key.registrations) {
    if (passes(filter, registration)) found.emplace_back(&key, &registration);
  }
}

Answer describe(Instance const& instance, Found const& found, Filter const& filter) {
  json::array resources;
  for (auto const& [key, registration] : cut(found, filter.page)) {
    resources.emplace_back(registration_object(instance, *key, *registration));
  }
  return collection(instance, registration_type, std::move(resources),
                    filter.with_total ? std::optional(found.size()) : std::nullopt);
}

}  // namespace

Outcome list_key_registrations(Instance& instance, Key& key, Call const& call) {
  auto const filter = read_filter(call, false);
  if (!filter) return std::unexpected(filter.error());
  Found found;
  find_in(key, *filter, found);
  return describe(instance, found, *filter);
}

Outcome list_registrations(Instance& instance, Call const& call) {
  auto const filter = read_filter(call, true);
  if (!filter) return std::unexpected(filter.error());
  Found found;
  for (auto const& [id, key] : instance.keys(call.now)) {
    if (call.key_ring().empty() || key.ring == call.key_ring()) find_in(key, *filter, found);
  }
  return describe(instance, found, *filter);
}

}  // namespace rekeyd::sim::ibm
