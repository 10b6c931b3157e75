#include "config/plain_scalar.hpp"

#include "config/name_syntax.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace rekeyd::config {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_one_of(std::string_view word, auto const& words) {
  return std::ranges::find(words, word) != words.end();
}

bool all_of(std::string_view text, std::string_view allowed) {
  return !text.empty() && text.find_first_not_of(allowed) == std::string_view::npos;
}

/// 1:30:00 is 5400 to YAML 1.1.
bool is_sexagesimal(std::string_view text) {
  return text.find(':') != std::string_view::npos && all_of(text, "0123456789:_.") && is_digit(text.back());
}

bool is_number(std::string_view text) {
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
  std::string const lower = lower_case(text);
  if (lower == ".inf" || lower == ".nan") return true;
  if (lower.empty() || !(is_digit(lower.front()) || lower.front() == '.')) return false;
  if (lower.starts_with("0x")) return all_of(lower.substr(2), "0123456789abcdef_");
  if (lower.starts_with("0o")) return all_of(lower.substr(2), "01234567_");
  if (lower.starts_with("0b")) return all_of(lower.substr(2), "01_");
  if (is_sexagesimal(lower)) return true;
  std::string digits = lower;
  std::erase(digits, '_');
  double value{};
  auto const [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return end == digits.data() + digits.size() && error != std::errc::invalid_argument;
}

}  // namespace

std::string other_reading(std::string_view text) {
  constexpr std::array<std::string_view, 8> truth{"y", "n", "yes", "no", "on", "off", "true", "false"};
  std::string const lower = lower_case(text.substr(0, 64));
  if (is_one_of(lower, truth)) return "a truth value";
  if (lower == "null" || lower == "~") return "nothing";
  if (is_number(text)) return "a number";
  return {};
}

bool is_plain_decimal(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return all_of(text, "0123456789") && (text.size() == 1 || text.front() != '0');
}

}  // namespace rekeyd::config
