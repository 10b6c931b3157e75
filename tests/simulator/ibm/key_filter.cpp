#include "tests/simulator/ibm/key_query.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

namespace rekeyd::sim::ibm {

namespace {

std::unexpected<Refusal> refuse_filter(std::string_view why) {
  return refuse_query("filter", fmt::format("The query_param 'filter' must be: {}", why));
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (;;) {
    auto const at = text.find(separator);
    parts.emplace_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

Granted<KeyTest> state_test(std::string_view parameter, std::string_view list) {
  std::vector<int> states;
  for (auto const& word : split(list, ',')) {
    if (word.size() != 1 || std::string_view("01235").find(word) == std::string_view::npos) {
      return refuse_query(std::string(parameter),
                          fmt::format("The query_param '{}' must be: a list of 0, 1, 2, 3, 5", parameter));
    }
    states.push_back(word.front() - '0');
  }
  return [states](Key const& key) {
    return std::ranges::find(states, static_cast<int>(key.state)) != states.end();
  };
}

Granted<KeyTest> date_test(std::string_view property, std::string_view value) {
  auto const read = key_property(property);
  if (value == "none") return [read](Key const& key) { return !read(key).has_value(); };
  constexpr std::array<std::string_view, 4> operators{"lte:", "gte:", "lt:", "gt:"};
  auto const* const used =
      std::ranges::find_if(operators, [value](auto prefix) { return value.starts_with(prefix); });
  auto const op = used == operators.end() ? std::string_view() : *used;
  auto text = value.substr(op.size());
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  auto const moment = parse_rfc3339(text);
  if (!moment) return refuse_filter("made of RFC 3339 dates where the property is a date");
  auto const limit = moment->time_since_epoch().count();
  return [read, op, limit](Key const& key) {
    auto const date = read(key);
    if (!date) return false;
    if (op == "lte:") return *date <= limit;
    if (op == "gte:") return *date >= limit;
    if (op == "lt:") return *date < limit;
    if (op == "gt:") return *date > limit;
    return *date == limit;
  };
}

Granted<KeyTest> truth_test(std::string_view property, std::string_view value) {
  if (value != "true" && value != "false") return refuse_filter("true or false where the property is one");
  auto const read = key_property(property);
  return [read, wanted = value == "true"](Key const& key) { return (read(key).value_or(0) != 0) == wanted; };
}

std::optional<Refusal> double_mention(Call const& call, std::vector<FilterTerm> const& terms) {
  for (auto const& term : terms) {
    bool const own_parameter = term.property == "state" || term.property == "extractable";
    if (own_parameter && call.target.param(term.property)) {
      return refuse_filter("without state and extractable when they are parameters too").error();
    }
    if (std::ranges::count(terms, term.property, &FilterTerm::property) > 3) {
      return refuse_filter("made of no property more than three times").error();
    }
  }
  return std::nullopt;
}

std::optional<Refusal> add_filter(Call const& call, std::vector<KeyTest>& tests, bool& names_state) {
  auto const text = call.target.param("filter");
  if (!text) return std::nullopt;
  auto const terms = filter_terms(*text);
  if (!terms) return terms.error();
  if (auto bad = double_mention(call, *terms)) return bad;
  for (auto const& term : *terms) {
    auto test = filter_test(term);
    if (!test) return test.error();
    tests.push_back(std::move(*test));
    names_state = names_state || term.property == "state";
  }
  return std::nullopt;
}

std::optional<long long> seconds(std::optional<Instant> instant) {
  if (!instant) return std::nullopt;
  return instant->time_since_epoch().count();
}

}  // namespace

KeyProperty key_property(std::string_view name) {
  static std::map<std::string_view, KeyProperty> const properties{
      {"state", [](Key const& key) { return std::optional<long long>(static_cast<int>(key.state)); }},
      {"extractable", [](Key const& key) { return std::optional<long long>(key.extractable); }},
      {"imported", [](Key const& key) { return std::optional<long long>(key.imported); }},
      {"creationDate", [](Key const& key) { return seconds(key.created.at); }},
      {"lastUpdateDate", [](Key const& key) { return seconds(key.last_updated); }},
      {"lastRotateDate", [](Key const& key) { return seconds(key.last_rotated); }},
      {"deletionDate",
       [](Key const& key) { return key.deleted ? seconds(key.deleted->at) : std::optional<long long>(); }},
      {"expirationDate", [](Key const& key) { return seconds(key.expires); }}};
  auto const found = properties.find(name);
  return found == properties.end() ? nullptr : found->second;
}

bool is_date_property(std::string_view name) { return name.ends_with("Date"); }

Granted<std::vector<FilterTerm>> filter_terms(std::string_view filter) {
  std::vector<FilterTerm> terms;
  for (auto const& word : split(filter, ' ')) {
    if (word.empty()) continue;
    auto const equals = word.find('=');
    if (equals == std::string::npos) return refuse_filter("made of property=value terms");
    terms.push_back({word.substr(0, equals), word.substr(equals + 1)});
  }
  if (terms.empty()) return refuse_filter("not empty");
  return terms;
}

Granted<KeyTest> filter_test(FilterTerm const& term) {
  if (key_property(term.property) == nullptr) {
    return refuse_filter(fmt::format("made of known properties, not '{}'", term.property));
  }
  if (term.property == "state") return state_test("filter", term.value);
  if (is_date_property(term.property)) return date_test(term.property, term.value);
  return truth_test(term.property, term.value);
}

Granted<std::vector<KeyTest>> key_tests(Call const& call) {
  std::vector<KeyTest> tests{[now = call.now](Key const& key) { return key.seen_from <= now; }};
  auto const states = call.target.param("state");
  bool names_state = states.has_value();
  if (states) {
    auto test = state_test("state", *states);
    if (!test) return std::unexpected(test.error());
    tests.push_back(std::move(*test));
  }
  auto const extractable = bool_param(call, "extractable");
  if (!extractable) return std::unexpected(extractable.error());
  if (*extractable) {
    tests.emplace_back([wanted = **extractable](Key const& key) { return key.extractable == wanted; });
  }
  if (auto const bad = add_filter(call, tests, names_state)) return std::unexpected(*bad);
  if (!names_state) tests.emplace_back([](Key const& key) { return key.state != KeyState::destroyed; });
  if (!call.key_ring().empty()) {
    tests.emplace_back([ring = call.key_ring()](Key const& key) { return key.ring == ring; });
  }
  return tests;
}

}  // namespace rekeyd::sim::ibm
