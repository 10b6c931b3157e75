#pragma once
#include "policy/match.hpp"
#include "policy/registration.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

/// What a provider keeps for a key beside its versions, and what a policy wants it to keep. Each task names a
/// state, so that it may be done again; what is there already is no task.
namespace rekeyd {

/// The provider's own rotation of a key: where the policy leaves the rotation to it.
struct SetProviderRotation {
  Months every;
  std::optional<std::chrono::days> month{};  ///< What the provider calls one, if no calendar month.
  bool operator==(SetProviderRotation const&) const = default;
};
/// Never later than the expiry that the version has.
struct SetVersionExpiry {
  VersionId version;
  Instant expires{};
  bool operator==(SetVersionExpiry const&) const = default;
};
/// When the current version was made; who made it is told with it.
struct TagRotation {
  VersionId version;
  Instant rotated{};
  bool operator==(TagRotation const&) const = default;
};
struct RetireVersion {
  VersionId version;
  RetireBy by{};
  bool operator==(RetireVersion const&) const = default;
};
using UpkeepTask = std::variant<SetProviderRotation, SetVersionExpiry, TagRotation, RetireVersion>;

/// What can be set at the key's provider.
struct UpkeepAbilities {
  bool provider_rotation{}, version_expiry{}, disabling{}, tags{};
  /// Days in a month of the provider's own rotation; nothing: calendar months.
  std::optional<int> month_days{};
};

/// Names of the tags that tell of the last rotation. Values: an RFC 3339 moment; a MadeBy word and, where it
/// is ours, the rotation.
inline constexpr char rotated_at_tag[] = "rekeyd-rotated-at";
inline constexpr char rotated_by_tag[] = "rekeyd-rotated-by";
/// One of these two: a new version does not inherit them.
bool tells_of_rotation(std::string_view tag);

struct UpkeepFacts {
  RootKey const& key;
  std::span<KeyVersion const> versions;  ///< Oldest first; not empty.
  AppliedPolicy const& applied;
  UpkeepAbilities can;
  bool rotation_unfinished{};
  std::optional<Replaced> replaced{};
  Instant now{};
};

/// What is to be set now, versions that are to be retired aside. Empty while a rotation is unfinished, in
/// mode observe, and for a key that is not active or that another has taken the place of.
std::vector<UpkeepTask> upkeep_tasks(UpkeepFacts const& facts);

/// What is known of who needs a key's old versions.
struct Dependants {
  std::span<Registration const> registrations;
  std::string unknown;  ///< Why not all of them may be known, as a clause; empty: they are.
};

/// An old version that the policy wants retired.
struct Retirement {
  VersionId version;
  RetireBy by{};
  Instant from{};  ///< The grace time's end.
  std::string
      held_by;  ///< What speaks against it besides the time, as a clause; empty: nothing that we know.
  bool operator==(Retirement const&) const = default;
};

/// Every version that is to be retired sooner or later, oldest first: all old ones, and of a key that another
/// has taken the place of the last one, too. Whether wrapped DEKs are still under it
/// is for the caller to count.
std::vector<Retirement> retirements(UpkeepFacts const& facts, Dependants const& dependants);

/// "expiry of version v1", for logs and the history.
std::string to_text(UpkeepTask const& task);

}  // namespace rekeyd
