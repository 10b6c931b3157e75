#include "daemon/rekeyctl/colour.hpp"

#include <cstdlib>
#include <string_view>

#include <unistd.h>

namespace rekeyd::rekeyctl {

namespace {

char const* parameters_of(Style style) {
  switch (style) {
    case Style::plain:
      return "";
    case Style::heading:
      return "1";
    case Style::good:
      return "32";
    case Style::caution:
      return "33";
    case Style::bad:
      return "1;31";
    case Style::faint:
      return "2";
  }
  return "";
}

}  // namespace

bool wants_colour(int descriptor) {
  char const* const no_colour = std::getenv("NO_COLOR");
  if (no_colour != nullptr && *no_colour != '\0') return false;
  char const* const terminal = std::getenv("TERM");
  if (terminal == nullptr || std::string_view(terminal) == "dumb") return false;
  return isatty(descriptor) == 1;
}

std::string styled(std::string const& text, Style style, bool colour) {
  if (!colour || style == Style::plain || text.empty()) return text;
  return std::string("\x1b[") + parameters_of(style) + "m" + text + "\x1b[0m";
}

Style style_of(KeyStatus status) {
  switch (status) {
    case KeyStatus::ready:
      return Style::good;
    case KeyStatus::observed:
      return Style::faint;
    case KeyStatus::overdue:
    case KeyStatus::blocked:
      return Style::bad;
    case KeyStatus::due:
    case KeyStatus::rotating:
    case KeyStatus::waiting:
    case KeyStatus::unknown:
      return Style::caution;
  }
  return Style::plain;
}

}  // namespace rekeyd::rekeyctl
