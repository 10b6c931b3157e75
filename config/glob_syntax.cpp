#include "config/glob_syntax.hpp"

#include "config/name_syntax.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

namespace rekeyd::config {

namespace {

constexpr std::size_t longest_pattern = 256;
// Matching costs the more the more stars there are, and no name has this many parts.
constexpr std::ptrdiff_t stars_max = 8;
constexpr std::string_view wildcards = "*?[";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return c >= 'a' && c <= 'z'; }

std::optional<std::string> range_defect(char from, char to) {
  bool const same_kind = (is_digit(from) && is_digit(to)) || (is_letter(from) && is_letter(to));
  if (!same_kind) return fmt::format("the range {}-{} must run between two letters or two digits", from, to);
  if (from > to) return fmt::format("the range {}-{} runs backwards", from, to);
  return std::nullopt;
}

/// `set` is what stands between the brackets, in lower case.
std::optional<std::string> set_defect(std::string_view set) {
  if (set.empty()) return "the set '[]' is empty";
  if (set.front() == '!' || set.front() == '^')
    return "sets that say what is not meant ([!...]) are not known";
  for (std::size_t i = 0; i < set.size(); ++i) {
    char const c = set[i];
    bool const plain = is_digit(c) || is_letter(c) || c == '_' || c == '.' || c == '-';
    if (!plain) return "a set holds letters, digits, '-', '_' and '.' only";
    if (i + 2 < set.size() && set[i + 1] == '-') {
      if (auto defect = range_defect(c, set[i + 2])) return defect;
      i += 2;
    }
  }
  return std::nullopt;
}

/// The literal beginning, and the literal end, of a pattern.
std::string literal_head(std::string const& pattern) {
  return pattern.substr(0, pattern.find_first_of(wildcards));
}
std::string literal_tail(std::string const& pattern) {
  auto const last = pattern.find_last_of("*?]");
  return last == std::string::npos ? pattern : pattern.substr(last + 1);
}

}  // namespace

std::optional<std::string> glob_defect(std::string_view pattern) {
  if (pattern.size() > longest_pattern) return fmt::format("is longer than {} bytes", longest_pattern);
  if (std::ranges::count(pattern, '*') > stars_max) return fmt::format("has more than {} '*'", stars_max);
  std::string const lower = lower_case(pattern);
  for (std::size_t i = 0; i < lower.size(); ++i) {
    char const c = lower[i];
    if (c == '\\') return "'\\' has no meaning in a pattern";
    if (c == '/') return "'/' cannot be in a name: provider, vault and key are fields of their own";
    if (c == ' ') return "no name has a space in it";
    if (c == ']') return "']' closes no set";
    if (c != '[') continue;
    auto const end = lower.find(']', i);
    if (end == std::string::npos) return "the set that '[' opens is not closed";
    if (auto defect = set_defect(std::string_view(lower).substr(i + 1, end - i - 1))) return defect;
    i = end;
  }
  return std::nullopt;
}

bool is_exact(std::string_view pattern) { return pattern.find_first_of(wildcards) == std::string_view::npos; }

bool surely_excludes(std::string_view pattern, std::string_view exact) {
  std::string const wanted = lower_case(pattern);
  std::string const text = lower_case(exact);
  if (is_exact(wanted)) return wanted != text;
  return !text.starts_with(literal_head(wanted)) || !text.ends_with(literal_tail(wanted));
}

}  // namespace rekeyd::config
