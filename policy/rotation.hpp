#pragma once
#include "policy/error.hpp"
#include "policy/key.hpp"
#include "policy/key_status.hpp"

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

/// One rotation as data, and the decisions in it as pure functions. Nothing here talks to anybody: the
/// daemon's rotator carries out what is decided here and brings back what came of it.
namespace rekeyd {

/// The durable stages of a rotation, in order. Each can be asked again after a crash: it reads the
/// provider's truth first.
enum class Step {
  claim,      ///< The rotation exists, with its base version; no other may start for this key.
  preflight,  ///< The provider is asked whether the rotation can succeed; nothing is changed.
  rotate,     ///< A new key version becomes the current one.
  propagate,  ///< Dependants move to it: wrapped DEKs are re-wrapped, registrations are followed.
  quiesce,    ///< Machines that have to stand still for a resource's change of key are brought to rest.
  change,     ///< That resource is told the new version, and is wholly on it.
  resume,     ///< The machines that we stopped run again.
  verify,     ///< What should be true now is read back from the provider and the stores.
};

enum class RotationState {
  open,  ///< Under way, or waiting for its next try.
  done,
  blocked,    ///< Parked with a reason; a person decides.
  abandoned,  ///< A person gave it up, or provider truth made it pointless.
};

/// Why a rotation was begun.
enum class Trigger {
  cryptoperiod,
  request,
  drift,
  delegated,    ///< The provider has rotated the key, as its policy wants it to.
  replacement,  ///< A person wants another key in this one's place.
};

/// When the first and the last of a rotation's requests went out, by the provider's clock.
struct RequestsSent {
  Instant first{}, last{};
  bool operator==(RequestsSent const&) const = default;
};

/// How a rotation ends that may not end yet: machines that we stopped come first.
struct PendingEnd {
  RotationState state{RotationState::blocked};  ///< blocked or abandoned.
  std::string reason;                           ///< The blocked reason's word.
  std::string message;
  std::string remedy;
  bool operator==(PendingEnd const&) const = default;
};

/// A key that a rotation makes, to take another's place. Its provider may choose an id of its own.
struct WantedKey {
  ProviderName provider;
  VaultName vault;
  std::string name;  ///< Not empty, without '/'.
  bool operator==(WantedKey const&) const = default;

  std::string text() const { return provider.str() + "/" + vault.str() + "/" + name; }
  /// Three non-empty parts separated by '/', or nothing.
  static std::optional<WantedKey> parse(std::string_view text);
};

/// One rotation of one key, from claim to a terminal state. One row in the database.
struct Rotation {
  RotationId id;
  KeyRef key;
  PolicyName policy;  ///< Empty when a person asked for a key without policy.
  Trigger trigger{Trigger::cryptoperiod};
  std::string requested_by;  ///< "policy", or "uid 1000 (anna)".
  std::string reason;        ///< A person's words, or the due date's.
  std::optional<Instant> due;
  std::optional<VersionId> base_version;  ///< Current when claimed.
  std::vector<VersionId> known_versions;  ///< All versions seen when claimed.
  /// The key that takes this one's place: everything that depends on it moves there, and no version is made.
  std::optional<KeyRef> successor;
  std::optional<WantedKey> wanted;       ///< The successor is yet to be made, or was made like this.
  std::optional<VersionId> new_version;  ///< Of `successor`, where there is one.
  MadeBy new_version_made_by{MadeBy::unknown};
  Step step{Step::claim};  ///< The step that is next or under way.
  RotationState state{RotationState::open};
  int attempts{};                         ///< Failures in a row of this step.
  std::optional<RequestsSent> sent;       ///< The rotate requests whose result is unknown.
  std::optional<Instant> next_try;        ///< Not before this moment.
  WaitsFor waits_for{WaitsFor::nothing};  ///< What a person would have to do, while it waits for that.
  std::optional<ResourceId> at_rest;      ///< The resource whose machines stand still, or are about to.
  std::optional<PendingEnd> pending_end;  ///< Set on the way to `resume`.
  std::string blocked_reason;             ///< A word; empty unless blocked.
  std::string message;                    ///< The last error or the reason's sentence.
  std::string remedy;
  Instant opened{};
  Instant updated{};
  std::optional<Instant> ended;
  bool operator==(Rotation const&) const = default;
};

/// Another key takes this one's place: no version is made.
inline bool is_replacement(Rotation const& rotation) { return rotation.trigger == Trigger::replacement; }

/// Whose current version dependants move to: the successor's, where there is one.
KeyRef const& target_key(Rotation const& rotation);

/// How a step ended.
struct StepDone {};  ///< The next step may begin.
struct StepAgain {
  Error error;
};  ///< Try the same step later, with back-off.
struct StepWait {
  Instant until;
  std::string why;
  WaitsFor waits_for{WaitsFor::nothing};
};  ///< No failure: something has to pass first.
struct StepBlocked {
  std::string reason;
  Error error;
};
struct StepAbandoned {
  std::string why;
};  ///< Provider truth made the rotation pointless.
struct StepBack {
  Step to;
  std::string why;
};  ///< Provider truth moved on: do an earlier step again.
struct StepDetour {
  std::string why;
};  ///< Done, and what comes next is not the usual: the step's detour.
using StepOutcome =
    std::variant<StepDone, StepAgain, StepWait, StepBlocked, StepAbandoned, StepBack, StepDetour>;

/// The rotation after `outcome` of its current step: the workflow's only transition function. Which outcome
/// may lead where is the table in policy/workflow.hpp; one that is not in it blocks the rotation.
/// Back-off is data (attempts, next_try), so a restart neither forgets nor storms.
Rotation advance(Rotation rotation, StepOutcome const& outcome, Instant now);

/// Given up: by a person at any step, or since provider truth made it pointless. While machines may stand
/// still for it, it goes to `resume` first and ends there.
Rotation abandoned(Rotation rotation, std::string why, Instant now);

/// The same at once, and machines stay as they are: a person's word for those that do not start.
Rotation abandoned_as_it_stands(Rotation rotation, std::string why, Instant now);

/// A blocked rotation that a person wants tried again: open, same step, no failures counted.
Rotation reopened(Rotation rotation, Instant now);

/// The step after `step`, or nothing after the last.
std::optional<Step> step_after(Step step);

/// May machines that we stopped stand still while a rotation is at this step?
bool holds_machines(Step step);

/// Delay before the next try after `failures` failures in a row of an error class: doubling from 30 s to
/// 1 h (access errors: from 5 min), at least the provider's own hint.
std::chrono::seconds backoff(int failures, Error const& error);

/// Failures in a row after which a step stops trying and blocks, by error class; nothing = never.
std::optional<int> failures_max(ErrorClass error_class);

/// How long after it was sent a request whose answer never came may still take effect: five minutes in some
/// queue on the way, and five by which the machines behind one endpoint may disagree about the time.
inline constexpr std::chrono::minutes request_life_max{10};

/// What the rotate step should do, given what the provider shows now.
struct SendRotate {};  ///< Nothing of ours is out there: send the request.
struct AdoptVersion {
  KeyVersion version;
  MadeBy made_by;
};
struct LookAgain {
  Instant at;
};  ///< A request may still be taking effect: read again then.
using RotateDecision = std::variant<SendRotate, AdoptVersion, LookAgain>;

/// Decides from provider truth: a version that was not there when the rotation was claimed is adopted
/// (ours if it carries our operation id, or if it was made while a request of ours could arrive); a request
/// whose result is unknown is given `request_life_max` to arrive and `visibility_lag` to show up before it is
/// sent again. `versions` oldest first; `now` by the provider's clock, which dates them too.
RotateDecision decide_rotate(Rotation const& rotation, std::span<KeyVersion const> versions,
                             std::chrono::seconds visibility_lag, Instant now);

char const* to_text(Step step);
char const* to_text(RotationState state);
char const* to_text(Trigger trigger);
std::optional<Step> parse_step(std::string_view text);
std::optional<RotationState> parse_rotation_state(std::string_view text);
std::optional<Trigger> parse_trigger(std::string_view text);

}  // namespace rekeyd
