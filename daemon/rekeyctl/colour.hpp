#pragma once
#include "policy/key_status.hpp"

#include <string>

namespace rekeyd::rekeyctl {

enum class Style { plain, heading, good, caution, bad, faint };

/// Colour only on a terminal that knows it (TERM is not "dumb"), and never with NO_COLOR
/// (https://no-color.org).
bool wants_colour(int descriptor);

/// `text` in `style` (ECMA-48), or as it is if `colour` is false.
std::string styled(std::string const& text, Style style, bool colour);

Style style_of(KeyStatus status);

}  // namespace rekeyd::rekeyctl
