#pragma once
#include "policy/key.hpp"
#include "policy/months.hpp"

#include <chrono>
#include <optional>
#include <string>

/// What follows from a rule by which a provider rotates a key itself.
namespace rekeyd {

/// How far from its date such a rotation may come. IBM rotates at any time within the 24 hours of the due day
/// (docs: setting a rotation policy); Azure names no figure and is given the same.
inline constexpr std::chrono::hours provider_tolerance{24};

/// The provider rotates the key by itself.
bool rotates_itself(RootKey const& key);

/// It does so exactly as often as `mode: delegate` asks. `month`: what the provider calls a month, where that
/// is no calendar month (Capabilities::month_days).
bool rotates_as_asked(RootKey const& key, Months every, std::optional<std::chrono::days> month);

/// What was asked for: "every 3 months", "every 3 months of 30 days".
std::string asked_words(Months every, std::optional<std::chrono::days> month);

/// When the provider makes the next version. Whether Azure counts a month as one of the calendar or as 30
/// days is documented nowhere: both lie between `earliest` and `latest`.
struct ProviderDate {
  Instant earliest{};
  Instant expected{};
  Instant latest{};
};

/// The date of the version after one that was made at `created`; nothing where the rule is off or counts from
/// something else. A rule that was put on an older key acts from the moment that it is there.
std::optional<ProviderDate> provider_date(ProviderRotation const& rotation, Instant created);

/// Was a version that was made at `created`, after one of `created_before`, made by that rule?
bool made_by_rule(ProviderRotation const& rotation, Instant created_before, Instant created);

}  // namespace rekeyd
