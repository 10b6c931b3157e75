#pragma once
#include <chrono>
#include <expected>
#include <string>
#include <string_view>

namespace rekeyd::config {

/// Why a text is not what it should be, and what to write instead.
struct Complaint {
  std::string rule;
  std::string message;
  std::string hint;
};

/// "500 ms", "30 seconds", "1 hour", "28 days": a whole number, a space, a unit.
std::expected<std::chrono::milliseconds, Complaint> parse_duration(std::string_view text);

/// In the largest unit that leaves a whole number.
std::string duration_text(std::chrono::milliseconds duration);

/// "3 months" cut into "3" and "months"; nothing if it is not digits, spaces, letters. At most nine digits.
struct Quantity {
  long long count{};
  std::string_view unit;  ///< Empty when only a number was given.
  bool spaced{};          ///< Exactly one space between the two.
};
std::expected<Quantity, Complaint> parse_quantity(std::string_view text, std::string_view example);

}  // namespace rekeyd::config
