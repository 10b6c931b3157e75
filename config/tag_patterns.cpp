#include "config/tag_patterns.hpp"

#include "config/glob_syntax.hpp"

#include <fmt/format.h>

namespace rekeyd::config {

Tags tag_patterns_of(Given const& given, Findings& findings) {
  Tags tags;
  if (!map_of(given, findings)) return tags;
  if (given.value->fields.empty()) {
    findings.error(given.at(), "empty-selector", fmt::format("{} names no tag", given.label),
                   "leave it out to mean any tags");
  }
  FieldReader fields(given, findings);
  for (YamlField const& field : given.value->fields) {
    if (field.name.empty() || tags.contains(field.name)) continue;
    Given tag = fields.optional(field.name);
    tag.label = fmt::format("tag {}", tag.label);
    auto value = text_of(tag, findings);
    if (!value) continue;
    // A tag's value may hold what a name may not ('/', ' '); only its sets are checked.
    std::string names_only = *value;
    for (char& c : names_only) c = c == '/' || c == ' ' || c == '\\' ? '_' : c;
    if (auto const defect = glob_defect(names_only)) {
      findings.error(tag.at(), "pattern", fmt::format("{}: not a valid pattern: {}", tag.label, *defect));
      continue;
    }
    tags.emplace(field.name, std::move(*value));
  }
  return tags;
}

}  // namespace rekeyd::config
