#pragma once
#include "policy/instant.hpp"
#include "policy/names.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace rekeyd {

/// What happened. The words are a stable interface: auditors query them.
enum class EventKind {
  daemon_started,
  daemon_stopped,
  policies_loaded,   ///< A policy set came into force; its digest is in `details`.
  policies_refused,  ///< A reload failed; the old set stays.
  key_found,         ///< A root key seen for the first time.
  key_changed,       ///< Its state, tags or attributes differ from what we knew.
  key_gone,          ///< A key we knew is no longer listed.
  version_found,     ///< A key version seen for the first time, with who made it.
  drift,             ///< Someone else rotated, disabled or deleted.
  registration_found,
  registration_moved,    ///< A resource now uses another key version.
  registration_changed,  ///< It prevents, or no longer prevents, that the key is deleted.
  registration_gone,
  registrations_synced,  ///< The services that registered with a key were asked to take its version up.
  registrations_behind,  ///< Their time is over, and some resources are on an older version; `details` name
                         ///< them.
  machine_drained,       ///< The policy's command has taken a machine out of service.
  machine_stopped,       ///< A machine is at rest for the change of what its disks live on.
  machine_started,       ///< It runs again; how long it did not is in `details`.
  machine_not_started,   ///< It was asked to run again and does not.
  rotation_opened,
  step_intended,
  step_done,
  step_failed,
  step_waiting,
  rotation_done,
  rotation_blocked,
  rotation_abandoned,
  deks_rewrapped,         ///< A batch; counts are in `details`.
  dek_refused,            ///< One wrapped DEK could not be re-wrapped; the old one stays.
  rotation_policy_set,    ///< A neutral policy was put on a Managed HSM key so that it can be rotated.
  provider_rotation_set,  ///< The provider's own rotation of a key was set as the policy says.
  version_expiry_set,     ///< A key version got the expiry that the policy says.
  version_retired,        ///< An old key version was taken out of use.
  key_replaced,           ///< Everything that depended on a key has moved to another one.
  key_tagged,             ///< The key tells in its tags of its last rotation.
  material_drawn,         ///< New material for an imported key; its fingerprint is in `details`.
  hold_placed,            ///< Scheduled rotations do not begin any more; which, and why, is in `details`.
  hold_changed,           ///< A hold goes on with other figures: a probe has failed, more keys are concerned.
  hold_released,          ///< A hold is let go, by a person or because what it was about is over.
  requested,              ///< A person asked for something over the control socket.
  database_restored,      ///< A backup took the database's place: what happened since is not in this history.
};

enum class EventOutcome { ok, failed, held };

/// One append-only row of what happened, why, by whom, with the provider's evidence. The store gives it its
/// sequence number and chains it to the one before.
struct HistoryEvent {
  Instant at{};
  EventKind kind{};
  EventOutcome outcome{EventOutcome::ok};
  std::optional<KeyRef> key;
  std::optional<VersionId> version;
  PolicyName policy;
  std::optional<RotationId> rotation;
  std::string step;                            ///< A Step's word, or empty.
  std::string actor;                           ///< "rekeyd", "provider", "uid 1000 (anna)", ...
  std::string sentence;                        ///< For people.
  std::string error_code;                      ///< The provider's own, or empty.
  std::string request_id;                      ///< The provider's, or empty.
  std::map<std::string, std::string> details;  ///< Further facts; names are snake_case.
  bool operator==(HistoryEvent const&) const = default;
};

char const* to_text(EventKind kind);
char const* to_text(EventOutcome outcome);
std::optional<EventKind> parse_event_kind(std::string_view text);
std::optional<EventOutcome> parse_event_outcome(std::string_view text);

}  // namespace rekeyd
