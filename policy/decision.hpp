#pragma once
#include "policy/brakes.hpp"
#include "policy/due.hpp"
#include "policy/key_status.hpp"
#include "policy/match.hpp"
#include "policy/rotation.hpp"

#include <chrono>
#include <optional>
#include <span>
#include <string>

namespace rekeyd {

/// Everything known of one key at one moment: the input of a decision, gathered beforehand, so that deciding
/// asks nobody.
struct KeyFacts {
  RootKey const& key;
  std::span<KeyVersion const> versions;  ///< Oldest first; may be empty when nothing could be read.
  PolicyMatch const& match;
  std::optional<Rotation> const& rotation;  ///< The unfinished one, if any.
  bool provider_configured{true};
  bool gone{};             ///< No longer listed by its provider.
  std::string read_error;  ///< Why the last reading of the key failed; empty if it did not.
  std::optional<std::chrono::seconds> rotation_floor;  ///< The provider's least time between rotations.
  bool deactivated_may_rotate{};
  bool provider_tells_origin{};  ///< Whether material was imported is the provider's word, not the policy's.
  bool admitted{true};           ///< Since it was found, it has been judged whether too many are due at once.
  /// Resources that stay on the version of the key that they were set up with (Following::never).
  std::span<ResourceId const> never_follow{};
  BrakeFacts const* brakes{};  ///< What may keep a rotation from beginning now; null: not asked for.
  std::chrono::seconds overdue_after{};
  Instant now{};
  /// A backup took the database's place and the provider has not been read since: nothing stored is believed.
  bool restored_unread{};
  std::optional<Replaced> replaced{};
  Instant read_at{};                                ///< When the provider was last heard of this key.
  std::optional<std::chrono::days> rotation_month;  ///< Of the provider's own rotation (Capabilities).
};

/// What to say of the key, and whether to act: a rotation may begin exactly when the status is due or
/// overdue. An ordered list of checks; the first that has something to say decides.
Verdict decide(KeyFacts const& facts);

/// Why the key is not rotated although its date has come: resources that would be left on an old version for
/// good, and no policy (null: none applies) that wants it all the same. Nothing: it may be.
std::optional<std::string> used_by_disk_encryption(AppliedPolicy const* applied,
                                                   std::span<ResourceId const> never_follow);

/// May a rotation begin on this verdict?
bool may_begin(Verdict const& verdict);

}  // namespace rekeyd
