#pragma once
#include "config/findings.hpp"

#include <string>
#include <string_view>

namespace rekeyd::config {

/// Is this text that a person can review? Reports the first byte that is not UTF-8, and the first character
/// that an editor does not show as what it is: NUL and other controls, and the marks that reverse the
/// direction of writing (CVE-2021-42574: such a file reads differently from what it says).
bool check_encoding(std::string const& text, Findings& findings);

/// Whether an already decoded scalar holds a control character (escapes like "\0" can make one).
bool has_control_character(std::string_view text);

}  // namespace rekeyd::config
