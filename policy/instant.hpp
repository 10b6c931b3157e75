#pragma once
#include <chrono>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>

namespace rekeyd {

/// A moment in UTC, in whole seconds: what providers report and what we store, so that a stored moment
/// and a computed one are always comparable (a due time cut to seconds in one place only never comes).
using Instant = std::chrono::sys_seconds;

/// "2026-11-22T02:03:17Z" (RFC 3339).
std::string to_rfc3339(Instant instant);

/// Accepts RFC 3339 with 'Z' or an offset ("+0000", "+00:00"), with or without fractions (cut off).
/// Nothing for anything else, dates that do not exist included.
std::optional<Instant> parse_rfc3339(std::string_view text);

/// What strptime has read, as told at an offset of `tm_gmtoff` from UTC. Nothing when there is no such day.
std::optional<Instant> instant_of(std::tm const& fields);

}  // namespace rekeyd
