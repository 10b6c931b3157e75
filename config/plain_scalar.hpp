#pragma once
#include <string>
#include <string_view>

namespace rekeyd::config {

/// What some YAML reader takes this unquoted scalar for: "a truth value" (yes, on, n), "nothing" (null, ~),
/// "a number" (010, 0x10, 1e3, 1:30, .inf). Empty if every reader takes it for text. After the type tables of
/// YAML 1.1 and the core schema of YAML 1.2.
std::string other_reading(std::string_view text);

/// 0, or digits without a leading zero, perhaps with a minus. Nothing else is a number of ours.
bool is_plain_decimal(std::string_view text);

}  // namespace rekeyd::config
