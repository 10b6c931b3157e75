#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace rekeyd::daemon {

/// The length of the well-formed UTF-8 sequence that `text` starts with (1 to 4), or 0 if it starts with
/// none: no overlong forms, no surrogates, nothing beyond U+10FFFF (RFC 3629). 0 for an empty text.
std::size_t utf8_sequence(std::string_view text);

/// `text` with each byte that is not part of well-formed UTF-8 replaced by U+FFFD. File names may hold any
/// bytes; JSON may not.
std::string repaired_utf8(std::string text);

}  // namespace rekeyd::daemon
