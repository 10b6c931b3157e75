#include "config/near_word.hpp"
#include "config/yaml_fields.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace rekeyd::config {

namespace {

/// "the policy's 'match'", "'vaults'": what an item or field belongs to stays readable in every message.
Given given(YamlField const& field, Echo echo, Findings& findings) {
  std::string label = fmt::format("'{}'", field.name);
  if (field.value.kind == YamlValue::Kind::refused) return {nullptr, std::move(label), echo};
  if (field.value.kind == YamlValue::Kind::null) {
    findings.error(field.value.at, "missing-value", fmt::format("{} has no value", label));
    return {nullptr, std::move(label), echo};
  }
  return {&field.value, std::move(label), echo};
}

}  // namespace

FieldReader::FieldReader(Given const& given, Findings& findings)
    : map_(*given.value), echo_(given.echo), label_(given.label), findings_(findings) {
  for (YamlField const& field : map_.fields) {
    if (field.name.empty()) continue;
    auto const [first, is_new] = by_name_.try_emplace(field.name, &field);
    if (is_new) continue;
    std::string const what =
        echo_ == Echo::yes ? fmt::format("'{}' is given twice", field.name) : "a field is given twice";
    findings_.error(field.at, "duplicate-field", what, "remove one of the two")
        .related.push_back(findings_.place(first->second->at));
  }
}

YamlField const* FieldReader::find(std::string const& name) const {
  auto const found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

bool FieldReader::has(std::string const& name) const { return find(name) != nullptr; }

Given FieldReader::optional(std::string const& name) {
  known_.push_back(name);
  YamlField const* const field = find(name);
  return field == nullptr ? Given{} : given(*field, echo_, findings_);
}

Given FieldReader::required(std::string const& name, std::string const& example) {
  if (!has(name)) {
    findings_.error(map_.at, "missing-field", fmt::format("{} needs the field '{}'", label_, name),
                    fmt::format("for example '{}'", example));
  }
  return optional(name);
}

void FieldReader::refuse(std::string const& name, std::string const& reason) {
  refused_.push_back(name);
  for (YamlField const& field : map_.fields) {
    if (field.name == name) {
      findings_.error(field.at, "unknown-field", fmt::format("'{}' has no place here", name), reason);
    }
  }
}

void FieldReader::pass_over(std::span<std::string const> names) {
  known_.insert(known_.end(), names.begin(), names.end());
}

void FieldReader::finish() {
  for (YamlField const& field : map_.fields) {
    bool const judged = std::ranges::find(known_, field.name) != known_.end() ||
                        std::ranges::find(refused_, field.name) != refused_.end();
    if (field.name.empty() || judged) continue;
    std::string hint = did_you_mean(field.name, known_);
    // Where secrets are near, a name that resembles none of ours may be one.
    bool const name_it = echo_ == Echo::yes || !hint.empty();
    if (hint.empty()) hint = fmt::format("the fields here are {}", fmt::join(known_, ", "));
    findings_.error(field.at, "unknown-field",
                    name_it ? fmt::format("unknown field '{}'", field.name) : "unknown field", hint);
  }
}

}  // namespace rekeyd::config
