#include "tests/simulator/faults.hpp"

#include "tests/simulator/message.hpp"
#include "tests/simulator/randomness.hpp"
#include "tests/simulator/section.hpp"

#include <boost/json.hpp>

#include <array>
#include <set>

namespace rekeyd::sim {

namespace json = boost::json;

namespace {

struct KindName {
  FaultKind kind;
  char const* name;
};

constexpr std::array kind_names{
    KindName{FaultKind::latency, "latency"},
    KindName{FaultKind::refuse, "refuse"},
    KindName{FaultKind::reset_before, "reset-before"},
    KindName{FaultKind::reset_after, "reset-after"},
    KindName{FaultKind::truncate, "truncate"},
    KindName{FaultKind::malformed_json, "malformed-json"},
    KindName{FaultKind::html, "html"},
    KindName{FaultKind::huge_body, "huge-body"},
    KindName{FaultKind::wrong_type, "wrong-type"},
    KindName{FaultKind::expired_token, "expired-token"},
    KindName{FaultKind::lag, "lag"},
};

FaultKind kind_of(std::string const& name) {
  for (auto const& known : kind_names) {
    if (name == known.name) return known.kind;
  }
  return FaultKind::refuse;
}

std::set<std::string> known_names() {
  std::set<std::string> names;
  for (auto const& known : kind_names) names.insert(known.name);
  return names;
}

FaultRule read_rule(Section section) {
  constexpr long most = 1'000'000'000;
  FaultRule rule;
  rule.kind = kind_of(section.word("kind", known_names()));
  rule.host = section.text("host", "*");
  rule.method = section.text("method", "*");
  rule.path = section.text("path", "*");
  rule.probability = section.fraction("probability", 1.0);
  rule.skip = static_cast<std::uint64_t>(section.number("skip", 0, most, 0));
  if (section.has("times")) rule.times = static_cast<std::uint64_t>(section.number("times", 1, most, 1));
  if (section.has("nth")) {
    if (section.has("skip") || section.has("times"))
      section.mistake("nth", "cannot stand beside skip or times");
    rule.skip = static_cast<std::uint64_t>(section.number("nth", 1, most, 1)) - 1;
    rule.times = 1;
  }
  rule.status = static_cast<unsigned>(section.number("status", 400, 599, 503));
  rule.retry_after = section.text("retry_after", "");
  rule.delay = std::chrono::milliseconds(section.number("delay_ms", 0, 3'600'000, 0));
  rule.lag = std::chrono::seconds(section.number("lag_s", 0, 86'400, 0));
  if (rule.kind == FaultKind::latency && !section.has("delay_ms")) section.mistake("delay_ms", "is missing");
  if (rule.kind == FaultKind::lag && !section.has("lag_s")) section.mistake("lag_s", "is missing");
  section.finish();
  return rule;
}

}  // namespace

char const* to_text(FaultKind kind) {
  for (auto const& known : kind_names) {
    if (kind == known.kind) return known.name;
  }
  return "?";
}

std::vector<FaultRule> read_faults(YAML::Node const& list, Mistakes& mistakes) {
  std::vector<FaultRule> rules;
  if (!list.IsSequence()) {
    mistakes.add(mistake_at(list.Mark(), "faults", "a list was expected"));
    return rules;
  }
  for (std::size_t i = 0; i < list.size(); ++i) {
    rules.push_back(read_rule(Section(list[i], "faults[" + std::to_string(i) + "]", mistakes)));
  }
  return rules;
}

std::expected<std::vector<FaultRule>, std::string> faults_from_json(std::string const& body) {
  json::error_code error;
  auto value = json::parse(body, error);
  if (error) return std::unexpected("not JSON: " + error.message());
  if (value.is_object()) value = json::array{std::move(value)};
  Mistakes mistakes;
  // JSON is YAML: one reader serves both, with the same words for the same mistakes.
  auto rules = read_faults(YAML::Load(json::serialize(value)), mistakes);
  if (mistakes.empty()) return rules;
  std::string all;
  for (auto const& mistake : mistakes.list()) {
    if (!all.empty()) all += "; ";
    all += mistake.field + ": " + mistake.message;
  }
  return std::unexpected(all);
}

bool FaultRules::hits(Active& active, Request const& request, std::string const& path, Randomness& random) {
  FaultRule const& rule = active.rule;
  if (!matches_pattern(rule.host, request.host) || !matches_pattern(rule.method, request.method) ||
      !matches_pattern(rule.path, path)) {
    return false;
  }
  ++active.seen;
  if (active.seen <= rule.skip || (rule.times && active.hits >= *rule.times)) return false;
  if (rule.probability < 1.0 && !random.chance(rule.probability)) return false;
  ++active.hits;
  return true;
}

FaultRules::Verdict FaultRules::judge(Request const& request, Randomness& random) {
  Verdict verdict;
  if (rules_.empty()) return verdict;
  std::string const path = request.target.substr(0, request.target.find('?'));
  for (auto& active : rules_) {
    bool const latency = active.rule.kind == FaultKind::latency;
    if ((!latency && verdict.fault) || !hits(active, request, path, random)) continue;
    if (latency) {
      verdict.delay += active.rule.delay;
    } else {
      verdict.fault = active.rule;
    }
  }
  return verdict;
}

json::value FaultRules::state() const {
  json::array list;
  for (auto const& [rule, seen, hits] : rules_) {
    list.push_back({{"kind", to_text(rule.kind)},
                    {"host", rule.host},
                    {"method", rule.method},
                    {"path", rule.path},
                    {"matched", seen},
                    {"hits", hits}});
  }
  return list;
}

}  // namespace rekeyd::sim
