#pragma once
#include "policy/instant.hpp"
#include "policy/names.hpp"

#include <chrono>
#include <compare>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace rekeyd {

/// Why no scheduled rotation may begin until somebody, or time, has settled it. In the order in which they
/// are told when several apply.
enum class HoldKind {
  clock_stepped,    ///< Somebody set the machine's clock.
  clock_disagrees,  ///< The machine's clock and a provider's `Date` differ by minutes.
  too_many_due,     ///< An edit, or keys seen for the first time, made much of the fleet due at once.
  circuit_open,     ///< Rotations failed one after the other.
};

/// What a brake is about: everything, one provider instance, or one policy.
struct BrakeScope {
  enum class Kind { everything, provider, policy };
  Kind kind{Kind::everything};
  std::string name;  ///< Of the provider instance or policy; empty for everything.

  static BrakeScope everything() { return {}; }
  static BrakeScope of(ProviderName const& provider) { return {Kind::provider, provider.str()}; }
  static BrakeScope of(PolicyName const& policy) { return {Kind::policy, policy.str()}; }
  bool covers(ProviderName const& provider, PolicyName const& policy) const;
  /// "everything", "provider azure-prod", "policy payments".
  std::string text() const;
  auto operator<=>(BrakeScope const&) const = default;
};

/// Scheduled rotations within the scope do not begin while this is not released. Durable: one row in the
/// database, and an event when it is placed, changed and released. No two of one kind and scope at a time.
struct Hold {
  HoldKind kind{};
  BrakeScope scope;
  Instant placed{};
  std::string sentence;  ///< What was seen.
  /// circuit_open: from here on one rotation may begin, to see whether it works again. Absent while that one
  /// is under way.
  std::optional<Instant> next_try;
  std::map<std::string, std::string> details;  ///< Figures behind the sentence; names are snake_case.
  std::optional<Instant> released;
  std::string released_by;  ///< "rekeyd", or "uid 1000 (anna)".
  std::string release_reason;
  /// A person let a hold of the clock go: provider minus machine, and a difference about as large is accepted
  /// until the clocks agree again.
  std::optional<std::chrono::seconds> accepted_offset;

  /// What a person calls it: "too_many_due", "circuit_open:provider:azure-prod".
  std::string name() const;
  bool operator==(Hold const&) const = default;
};

bool is_of_clock(HoldKind kind);

char const* to_text(HoldKind kind);
char const* to_text(BrakeScope::Kind kind);
std::optional<HoldKind> parse_hold_kind(std::string_view text);
std::optional<BrakeScope::Kind> parse_brake_scope(std::string_view text);

}  // namespace rekeyd
