#include "config/name_syntax.hpp"

#include <algorithm>
#include <vector>

namespace rekeyd::config {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_small(char c) { return c >= 'a' && c <= 'z'; }
bool is_alnum(char c) { return is_digit(c) || is_small(c) || (c >= 'A' && c <= 'Z'); }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  std::size_t from = 0;
  for (std::size_t at; (at = text.find(separator, from)) != std::string_view::npos; from = at + 1) {
    parts.push_back(text.substr(from, at - from));
  }
  parts.push_back(text.substr(from));
  return parts;
}

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         std::ranges::all_of(label, [](char c) { return is_alnum(c) || c == '-' || c == '_'; });
}

bool is_number(std::string_view text) { return !text.empty() && std::ranges::all_of(text, is_digit); }

/// As the mask says: '0' stands for a digit, everything else for itself.
bool fits(std::string_view text, std::string_view mask) {
  return std::ranges::equal(text, mask, [](char c, char m) { return m == '0' ? is_digit(c) : c == m; });
}

}  // namespace

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return lower;
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 63 && (is_small(text.front()) || is_digit(text.front())) &&
         std::ranges::all_of(
             text, [](char c) { return is_small(c) || is_digit(c) || c == '-' || c == '_' || c == '.'; });
}

bool is_uuid(std::string_view text) {
  constexpr std::string_view mask = "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh";
  return std::ranges::equal(text, mask, [](char c, char m) { return m == 'h' ? is_hex(c) : c == m; });
}

bool is_domain(std::string_view text) { return is_host(text) && text.find('.') != std::string_view::npos; }

bool is_host(std::string_view text) {
  return !text.empty() && text.size() <= 253 && std::ranges::all_of(split(text, '.'), is_label);
}

bool is_group_name(std::string_view text) {
  return !text.empty() && text.size() <= 32 && (is_small(text.front()) || text.front() == '_') &&
         std::ranges::all_of(text, [](char c) { return is_small(c) || is_digit(c) || c == '-' || c == '_'; });
}

bool is_azure_vault_name(std::string_view text) {
  return text.size() >= 3 && text.size() <= 24 && is_alnum(text.front()) && !is_digit(text.front()) &&
         text.back() != '-' && text.find("--") == std::string_view::npos &&
         std::ranges::all_of(text, [](char c) { return is_alnum(c) || c == '-'; });
}

bool is_azure_api_version(std::string_view text) {
  constexpr std::string_view preview = "-preview";
  auto const mark = text.find(preview);
  std::string_view const number = text.substr(0, mark);
  std::string_view const rest = mark == std::string_view::npos ? "" : text.substr(mark + preview.size());
  if (fits(number, "0000-00-00")) return rest.empty();
  auto const parts = split(number, '.');
  bool const numbered = parts.size() == 2 && is_number(parts[0]) && is_number(parts[1]);
  return numbered && (rest.empty() || (rest.front() == '.' && is_number(rest.substr(1))));
}

}  // namespace rekeyd::config
