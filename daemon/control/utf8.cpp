#include "daemon/control/utf8.hpp"

namespace rekeyd::daemon {

namespace {

struct Lead {
  std::size_t length;
  unsigned char second_min, second_max;
};

// RFC 3629, section 4: the first byte decides the length and what the second may be.
Lead lead_of(unsigned char byte) {
  if (byte <= 0x7F) return {1, 0, 0};
  if (byte < 0xC2) return {0, 0, 0};
  if (byte <= 0xDF) return {2, 0x80, 0xBF};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};
  if (byte == 0xED) return {3, 0x80, 0x9F};
  if (byte <= 0xEF) return {3, 0x80, 0xBF};
  if (byte == 0xF0) return {4, 0x90, 0xBF};
  if (byte <= 0xF3) return {4, 0x80, 0xBF};
  if (byte == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

bool within(char byte, unsigned char low, unsigned char high) {
  auto const value = static_cast<unsigned char>(byte);
  return value >= low && value <= high;
}

}  // namespace

std::size_t utf8_sequence(std::string_view text) {
  if (text.empty()) return 0;
  Lead const lead = lead_of(static_cast<unsigned char>(text.front()));
  if (lead.length > text.size()) return 0;
  if (lead.length >= 2 && !within(text[1], lead.second_min, lead.second_max)) return 0;
  for (std::size_t i = 2; i < lead.length; ++i) {
    if (!within(text[i], 0x80, 0xBF)) return 0;
  }
  return lead.length;
}

std::string repaired_utf8(std::string text) {
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t const length = utf8_sequence(std::string_view(text).substr(at));
    if (length == 0) text.replace(at, 1, "\xEF\xBF\xBD");
    at += length == 0 ? 3 : length;
  }
  return text;
}

}  // namespace rekeyd::daemon
