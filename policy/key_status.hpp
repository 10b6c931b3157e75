#pragma once
#include "policy/instant.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace rekeyd {

/// The states of a key, named once and everywhere the same (status, JSON, views, docs).
enum class KeyStatus {
  ready,     ///< Its next due date lies ahead.
  due,       ///< Its date has come; it will be rotated next.
  overdue,   ///< Its date passed longer ago than the configured tolerance.
  rotating,  ///< A rotation is under way.
  waiting,   ///< Something named has to pass or to be granted first.
  blocked,   ///< It cannot go on by itself: the reason says what a person should do.
  observed,  ///< Watched, not rotated: no policy, mode observe, or out of scope.
  unknown,   ///< The provider has not told us enough.
};

/// What a waiting key waits for.
enum class WaitsFor {
  nothing,
  window,
  approval,
  quota,  ///< A cap of rotations per hour or at once.
  provider_hour,
  stopped_vm,
  hold,             ///< A hold that a person, or what it was about, has to let go.
  provider_answer,  ///< The provider has to be heard first.
};

/// What we say of one key at one moment.
struct Verdict {
  KeyStatus status{KeyStatus::unknown};
  WaitsFor waits_for{WaitsFor::nothing};
  std::string reason;    ///< A word for machines: "cryptoperiod_over", "policy_conflict", ...
  std::string sentence;  ///< For people.
  std::optional<Instant> since;
  std::optional<Instant> due;
  std::optional<Instant> next_try;  ///< When the daemon looks again or acts; past: as soon as it may.
  bool operator==(Verdict const&) const = default;
};

char const* to_text(KeyStatus status);
char const* to_text(WaitsFor waits_for);
std::optional<KeyStatus> parse_key_status(std::string_view text);
std::optional<WaitsFor> parse_waits_for(std::string_view text);

}  // namespace rekeyd
