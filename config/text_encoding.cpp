#include "config/text_encoding.hpp"

#include <boost/nowide/utf/utf.hpp>
#include <fmt/format.h>

namespace rekeyd::config {

namespace {

namespace utf = boost::nowide::utf;

bool is_control(utf::code_point c) {
  bool const allowed = c == '\t' || c == '\n' || c == '\r';
  return (c < 0x20 && !allowed) || (c >= 0x7f && c < 0xa0);
}

bool is_hidden(utf::code_point c) {
  bool const line_separator = c == 0x2028 || c == 0x2029;
  bool const direction = (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
  return line_separator || direction;
}

std::string byte_order_hint(std::string const& text) {
  bool const utf16 = text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff");
  return utf16 ? "the file looks like UTF-16: save it as UTF-8" : "save the file as UTF-8";
}

}  // namespace

bool check_encoding(std::string const& text, Findings& findings) {
  Position at{1, 1};
  for (auto next = text.begin(); next != text.end();) {
    utf::code_point const c = utf::utf_traits<char>::decode(next, text.end());
    if (c == utf::illegal || c == utf::incomplete) {
      findings.error(at, "encoding", "not valid UTF-8", byte_order_hint(text));
      return false;
    }
    if (is_control(c) || is_hidden(c)) {
      findings.error(at, "encoding", fmt::format("the invisible character U+{:04X} is not allowed", c),
                     "remove it");
      return false;
    }
    at = c == '\n' ? Position{at.line + 1, 1} : Position{at.line, at.column + 1};
  }
  return true;
}

bool has_control_character(std::string_view text) {
  for (auto next = text.begin(); next != text.end();) {
    utf::code_point const c = utf::utf_traits<char>::decode(next, text.end());
    if (c == utf::illegal || c == utf::incomplete || c < 0x20 || is_control(c) || is_hidden(c)) return true;
  }
  return false;
}

}  // namespace rekeyd::config
