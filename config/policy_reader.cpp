#include "config/policy_reader.hpp"

#include "config/glob_syntax.hpp"
#include "config/name_syntax.hpp"
#include "config/override_checks.hpp"
#include "config/quiesce_rules_reader.hpp"
#include "config/rotation_interval.hpp"
#include "config/rotation_limits_reader.hpp"
#include "config/tag_patterns.hpp"
#include "config/time_zone.hpp"
#include "config/upkeep_rules_reader.hpp"
#include "config/yaml_fields.hpp"

#include <fmt/format.h>

namespace rekeyd::config {

namespace {

using namespace std::chrono_literals;

std::optional<Months> interval_of(Given const& given, Findings& findings) {
  if (!given) return std::nullopt;
  // `every: 3` is a number to YAML; the mistake is the missing unit, not the missing quotes.
  if (given.value->kind != YamlValue::Kind::scalar || given.value->text.empty()) {
    text_of(given, findings);
    return std::nullopt;
  }
  auto const interval = parse_rotation_interval(given.value->text);
  if (interval) return *interval;
  report(given, interval.error(), findings);
  return std::nullopt;
}

std::optional<std::string> pattern_of(Given const& given, Findings& findings) {
  auto pattern = text_of(given, findings);
  if (!pattern) return std::nullopt;
  auto const defect = glob_defect(*pattern);
  if (!defect) return pattern;
  findings.error(given.at(), "pattern", fmt::format("{}: not a valid pattern: {}", given.label, *defect),
                 "patterns are made of names, *, ? and sets such as [a-z0-9]");
  return std::nullopt;
}

KeySelector selector_of(Given const& given, Findings& findings) {
  KeySelector selector;
  if (!map_of(given, findings)) return selector;
  FieldReader fields(given, findings);
  selector.provider = pattern_of(fields.optional("provider"), findings);
  selector.vault = pattern_of(fields.optional("vault"), findings);
  selector.key = pattern_of(fields.optional("key"), findings);
  selector.tags = tag_patterns_of(fields.optional("tags"), findings);
  fields.finish();
  if (given.value->fields.empty()) {
    findings.error(given.at(), "empty-selector", "'match' is empty, which could mean every key or none",
                   "write match: { key: \"*\" } to mean every key");
  }
  return selector;
}

std::optional<MaterialSourceName> material_of(Given const& given, Findings& findings) {
  auto const name = text_of(given, findings);
  if (!name) return std::nullopt;
  if (is_name(*name)) return MaterialSourceName(*name);
  findings.error(given.at(), "name",
                 fmt::format("{}: a material source's name is {}", given.label, name_rule));
  return std::nullopt;
}

std::optional<KeyOverride> override_of(Given const& given, Findings& findings) {
  if (!map_of(given, findings)) return std::nullopt;
  FieldReader fields(given, findings);
  KeyOverride exception;
  exception.place = findings.place(given.at());
  auto key = pattern_of(fields.required("key", "key: cmk-ledger"), findings);
  bool const changes_something = fields.has("every") || fields.has("mode") || fields.has("material");
  exception.every = interval_of(fields.optional("every"), findings);
  exception.mode = word_of<Mode>(fields.optional("mode"), findings);
  exception.material = material_of(fields.optional("material"), findings);
  fields.finish();
  if (!changes_something) {
    findings.error(given.at(), "empty-override", "this exception changes nothing",
                   "give it 'every', 'mode' or 'material', or remove it");
  }
  if (!key) return std::nullopt;
  exception.key = std::move(*key);
  return exception;
}

std::vector<KeyOverride> overrides_of(Given const& given, Findings& findings) {
  std::vector<KeyOverride> overrides;
  for (Given item : list_of(given, findings)) {
    item.label = "an exception in 'keys'";
    if (auto one = override_of(item, findings)) overrides.push_back(std::move(*one));
  }
  return overrides;
}

PolicyName policy_name_of(Given const& given, Findings& findings) {
  auto const name = text_of(given, findings);
  if (!name) return {};
  if (is_name(*name)) return PolicyName(*name);
  findings.error(given.at(), "name", fmt::format("{}: a policy's name is {}", given.label, name_rule));
  return {};
}

Zone zone_of(Given const& given, Findings& findings) {
  std::optional<std::string> const name = given ? text_of(given, findings) : "UTC";
  if (!name) return nullptr;
  auto const zone = find_time_zone(*name);
  if (zone) return *zone;
  Given labelled = given;
  if (!given) labelled.label = "'zone' (UTC)";
  report(labelled, zone.error(), findings);
  return nullptr;
}

/// Below the four hours that services may take nobody has been asked a second time.
std::chrono::seconds registrations_patience_of(Given const& given, Findings& findings) {
  if (!map_of(given, findings)) return usual_registrations_patience;
  FieldReader fields(given, findings);
  auto const patience =
      duration_of(fields.required("patience", "patience: 24 hours"), 4h, std::chrono::days(28), findings);
  fields.finish();
  return std::chrono::floor<std::chrono::seconds>(patience.value_or(usual_registrations_patience));
}

RotationPolicy policy_of(Given const& given, Findings& findings) {
  FieldReader fields(given, findings);
  // Where the interval is missing or wrong the set is refused: what stands here is never acted on.
  RotationPolicy policy{{}, {}, *Months::of(12), {}, {}, {}, {}, {}, {}};
  policy.place = findings.place(given.at());
  policy.name = policy_name_of(fields.required("name", "name: payments"), findings);
  policy.match = selector_of(fields.required("match", "match: { key: \"*\" }"), findings);
  assign(policy.every, interval_of(fields.required("every", "every: 3 months"), findings));
  assign(policy.mode, word_of<Mode>(fields.optional("mode"), findings));
  policy.zone = zone_of(fields.optional("zone"), findings);
  auto const spread = duration_of(fields.optional("spread"), 0s, std::chrono::days(28), findings);
  policy.spread = std::chrono::floor<std::chrono::seconds>(spread.value_or(1h));
  assign(policy.wrap, word_of<WrapBy>(fields.optional("wrap"), findings));
  policy.limits = rotation_limits_of(fields.optional("rotations"), findings);
  policy.confidential_vms = quiesce_rules_of(fields.optional("confidential_vms"), findings);
  assign(policy.material, material_of(fields.optional("material"), findings));
  policy.upkeep = upkeep_rules_of(fields, findings);
  assign(policy.disk_encryption_keys,
         word_of<DiskEncryptionKeys>(fields.optional("azure_disk_encryption"), findings));
  policy.registrations_patience = registrations_patience_of(fields.optional("registrations"), findings);
  policy.keys = overrides_of(fields.optional("keys"), findings);
  fields.finish();
  check_overrides(policy, findings);
  check_upkeep(policy, given.at(), findings);
  return policy;
}

}  // namespace

std::vector<RotationPolicy> read_policies(YamlValue const& root, Findings& findings) {
  std::vector<RotationPolicy> policies;
  Given const file = map_of({&root, "a policy file"}, findings);
  if (!file) return policies;
  FieldReader fields(file, findings);
  if (!is_version_1(fields, findings)) return policies;
  Given const list = fields.required("policies", "policies: [{ name: ..., match: ..., every: ... }]");
  for (Given item : list_of(list, findings)) {
    item.label = "a policy";
    if (map_of(item, findings)) policies.push_back(policy_of(item, findings));
  }
  fields.finish();
  if (list && list.value->kind == YamlValue::Kind::list && list.value->items.empty()) {
    findings.warning(list.at(), "no-policies", "this file holds no policy");
  }
  return policies;
}

}  // namespace rekeyd::config
