#pragma once
#include "config/duration.hpp"
#include "policy/months.hpp"

namespace rekeyd::config {

/// "1 month", "3 months": 1 to 12 calendar months. Anything else gets an answer to just that mistake.
std::expected<Months, Complaint> parse_rotation_interval(std::string_view text);

}  // namespace rekeyd::config
