#include "config/override_checks.hpp"

#include "config/glob_syntax.hpp"
#include "config/name_syntax.hpp"

#include <fmt/format.h>

#include <map>

namespace rekeyd::config {

namespace {

Position position(SourcePlace const& place) { return {place.line, place.column}; }

/// A selector's `key` speaks of the key's name or its id. Only where it cannot be an id (IBM's are UUIDs,
/// Azure's are the names themselves) do policy and exception surely speak of the same thing.
bool can_name_a_uuid(std::string_view pattern) {
  bool in_set = false;
  for (char const c : lower_case(pattern)) {
    if (c == '[') in_set = true;
    bool const wild = in_set || c == '*' || c == '?' || c == ']';
    bool const uuid_letter = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == '-';
    if (!wild && !uuid_letter) return false;
    if (c == ']') in_set = false;
  }
  return is_exact(pattern) ? is_uuid(pattern) : true;
}

bool never_applies(KeyOverride const& exception, RotationPolicy const& policy) {
  if (!policy.match.key || !is_exact(exception.key)) return false;
  std::string const& claimed = *policy.match.key;
  return !can_name_a_uuid(claimed) && !is_uuid(exception.key) && surely_excludes(claimed, exception.key);
}

/// An exact exception beats a pattern; of patterns the first written wins. So nothing but exact ones counts
/// after a lone "*".
bool is_hidden(KeyOverride const& exception, KeyOverride const* star) {
  return star != nullptr && !is_exact(exception.key);
}

void warn_of_hidden(KeyOverride const& exception, KeyOverride const& star, Findings& findings) {
  findings
      .warning(position(exception.place), "unused-override",
               fmt::format("the exception for '{}' never applies: the one for '*' stands before it",
                           exception.key),
               "move the one for '*' to the end")
      .related.push_back(star.place);
}

}  // namespace

void check_overrides(RotationPolicy const& policy, Findings& findings) {
  std::map<std::string, SourcePlace> seen;
  KeyOverride const* star = nullptr;
  for (KeyOverride const& exception : policy.keys) {
    auto const [first, is_new] = seen.try_emplace(lower_case(exception.key), exception.place);
    if (!is_new) {
      findings
          .error(position(exception.place), "duplicate-override",
                 fmt::format("'{}' has two exceptions in this policy", exception.key),
                 "remove one of the two")
          .related.push_back(first->second);
    }
    if (is_new && is_hidden(exception, star)) warn_of_hidden(exception, *star, findings);
    if (exception.key == "*") star = &exception;
    if (never_applies(exception, policy)) {
      findings.warning(
          position(exception.place), "unused-override",
          fmt::format("the exception for '{}' never applies: the policy claims only keys like '{}'",
                      exception.key, *policy.match.key),
          "correct one of the two");
    }
  }
}

}  // namespace rekeyd::config
