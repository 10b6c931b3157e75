#include "providers/dek/json_members.hpp"

namespace rekeyd::providers {
namespace {

constexpr std::string_view white_space = " \t\n\r";

std::size_t skip_white_space(std::string_view text, std::size_t at) {
  return std::min(text.find_first_not_of(white_space, at), text.size());
}

/// One past the closing quote of the string that begins at `at`.
std::size_t end_of_string(std::string_view text, std::size_t at) {
  for (++at; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] == '\\') ++at;
  }
  return std::min(at + 1, text.size());
}

/// One past the value that begins at `at`: an own comma or brace of the enclosing object ends a number or
/// word, the matching bracket ends an object or array.
std::size_t end_of_value(std::string_view text, std::size_t at) {
  if (text[at] == '"') return end_of_string(text, at);
  if (text[at] != '{' && text[at] != '[') return std::min(text.find_first_of(",} \t\n\r", at), text.size());
  std::size_t depth = 0;
  while (at < text.size()) {
    char const c = text[at];
    if (c == '"') {
      at = end_of_string(text, at);
      continue;
    }
    ++at;
    if (c == '{' || c == '[') ++depth;
    if ((c == '}' || c == ']') && --depth == 0) break;
  }
  return at;
}

}  // namespace

std::vector<JsonMember> locate_members(std::string_view text) {
  std::vector<JsonMember> members;
  std::size_t at = skip_white_space(text, 0) + 1;
  while (at < text.size()) {
    JsonMember member;
    member.lead = {.begin = at, .end = skip_white_space(text, at)};
    at = member.lead.end;
    if (at == text.size() || text[at] == '}') break;
    member.name = {.begin = at, .end = end_of_string(text, at)};
    at = skip_white_space(text, skip_white_space(text, member.name.end) + 1);
    if (at >= text.size()) break;
    member.value = {.begin = at, .end = end_of_value(text, at)};
    members.push_back(member);
    at = skip_white_space(text, member.value.end) + 1;
  }
  return members;
}

}  // namespace rekeyd::providers
