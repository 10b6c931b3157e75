#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace rekeyd::config {

/// What is wrong with a pattern made of literals, *, ? and sets such as [a-z0-9]; nothing if it is valid.
/// Refused, because they would match something else than their writer thinks, or nothing at all: unclosed,
/// empty and negated sets, ranges that run backwards or from letters to digits, '\' and '/'.
std::optional<std::string> glob_defect(std::string_view pattern);

/// A pattern without *, ? and sets names exactly one thing.
bool is_exact(std::string_view pattern);

/// Sure that no text at all is matched by both? False when in doubt. `exact` must be an exact pattern.
bool surely_excludes(std::string_view pattern, std::string_view exact);

}  // namespace rekeyd::config
