#include "policy/decision.hpp"

#include "policy/delegation.hpp"
#include "policy/imported_key.hpp"
#include "policy/named_resources.hpp"
#include "policy/provider_rotation.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rekeyd {

namespace {

using Check = std::optional<Verdict> (*)(KeyFacts const&);

Verdict verdict(KeyStatus status, std::string reason, std::string sentence) {
  Verdict said;
  said.status = status;
  said.reason = std::move(reason);
  said.sentence = std::move(sentence);
  return said;
}

AppliedPolicy const* policy_of(KeyFacts const& facts) { return std::get_if<AppliedPolicy>(&facts.match); }

/// Due date, where there is one and it can be told: a policy applies, the versions are known, and no other
/// key has taken its place.
std::optional<Instant> due_of(KeyFacts const& facts) {
  AppliedPolicy const* applied = policy_of(facts);
  if (applied == nullptr || facts.versions.empty() || facts.replaced) return std::nullopt;
  return due_at(*applied, facts.key, facts.versions);
}

std::optional<Verdict> restored_and_unread(KeyFacts const& facts) {
  if (!facts.restored_unread) return std::nullopt;
  std::string const trouble = facts.read_error.empty() ? "" : ": " + facts.read_error;
  return verdict(KeyStatus::unknown, "database_restored",
                 "the database was restored from a backup, and the key has not been read at its provider "
                 "since; nothing is begun or continued before" +
                     trouble);
}

std::optional<Verdict> rotation_blocked(KeyFacts const& facts) {
  if (!facts.rotation || facts.rotation->state != RotationState::blocked) return std::nullopt;
  Verdict said = verdict(KeyStatus::blocked, facts.rotation->blocked_reason,
                         fmt::format("rotation {} stopped at step {}: {}", facts.rotation->id.str(),
                                     to_text(facts.rotation->step), facts.rotation->message));
  said.since = facts.rotation->updated;
  return said;
}

/// It goes on trying by itself, but a person should know: a step that failed so often in a row, or that still
/// fails so long after the rotation began.
constexpr int failures_told = 5;
constexpr auto failing_told_after = std::chrono::hours(24);

bool is_failing(Rotation const& rotation, Instant now) {
  bool const long_since = rotation.attempts > 0 && now - rotation.opened >= failing_told_after;
  return rotation.attempts >= failures_told || long_since;
}

std::string failures_words(Rotation const& rotation) {
  return fmt::format(", which has failed {} in a row",
                     rotation.attempts == 1 ? "once" : fmt::format("{} times", rotation.attempts));
}

/// In the word that a person looks up.
std::string waiting_reason(WaitsFor waits_for) {
  return waits_for == WaitsFor::stopped_vm ? "needs_quiesce" : to_text(waits_for);
}

std::optional<Verdict> rotation_under_way(KeyFacts const& facts) {
  if (!facts.rotation || facts.rotation->state != RotationState::open) return std::nullopt;
  Rotation const& rotation = *facts.rotation;
  // A moment that a clock ahead of time has named means nothing once that clock is set back.
  bool const clock_set_back = rotation.updated > facts.now + clock_tolerance;
  bool const delayed = rotation.next_try && *rotation.next_try > facts.now && !clock_set_back;
  bool const failing = is_failing(rotation, facts.now);
  Verdict said = verdict(KeyStatus::rotating, failing ? "rotation_failing" : "rotation_open",
                         fmt::format("rotation {} is at step {}{}{}{}", rotation.id.str(),
                                     to_text(rotation.step), failing ? failures_words(rotation) : "",
                                     rotation.message.empty() ? "" : ": ", rotation.message));
  if (delayed && rotation.waits_for != WaitsFor::nothing) {
    said = verdict(KeyStatus::waiting, waiting_reason(rotation.waits_for),
                   fmt::format("rotation {} waits at step {}: {}", rotation.id.str(), to_text(rotation.step),
                               rotation.message));
    said.waits_for = rotation.waits_for;
  }
  said.since = rotation.opened;
  if (delayed) said.next_try = rotation.next_try;
  return said;
}

std::optional<Verdict> out_of_reach(KeyFacts const& facts) {
  if (!facts.provider_configured) {
    return verdict(KeyStatus::observed, "provider_removed",
                   "the configuration no longer names this key's provider instance");
  }
  if (facts.gone) {
    return verdict(KeyStatus::observed, "gone", "the provider no longer lists this key");
  }
  if (facts.key.state == KeyState::destroyed) {
    return verdict(KeyStatus::observed, "destroyed", "the key is deleted at its provider");
  }
  if (facts.versions.empty() || !facts.read_error.empty()) {
    std::string const why = facts.read_error.empty() ? "its versions have not been read" : facts.read_error;
    return verdict(KeyStatus::unknown, "unreadable", "the provider has not told enough of this key: " + why);
  }
  return std::nullopt;
}

std::optional<Verdict> not_ours(KeyFacts const& facts) {
  if (facts.key.managed_elsewhere) {
    return verdict(KeyStatus::observed, "managed_elsewhere",
                   "the key belongs to a certificate, whose owner rotates it");
  }
  if (std::holds_alternative<NoPolicy>(facts.match)) {
    return verdict(KeyStatus::observed, "no_policy", "no policy selects this key");
  }
  return std::nullopt;
}

std::optional<Verdict> has_successor(KeyFacts const& facts) {
  if (!facts.replaced) return std::nullopt;
  return verdict(KeyStatus::observed, "replaced",
                 fmt::format("key {} took its place on {}; it is not rotated any more",
                             facts.replaced->by.text(), to_rfc3339(facts.replaced->at)));
}

std::optional<Verdict> policies_disagree(KeyFacts const& facts) {
  auto const* conflict = std::get_if<PolicyConflict>(&facts.match);
  if (conflict == nullptr) return std::nullopt;
  std::string who;
  for (RotationPolicy const* policy : conflict->policies) {
    who += fmt::format("{}{} ({})", who.empty() ? "" : " and ", policy->name.str(), policy->place.text());
  }
  return verdict(KeyStatus::blocked, "policy_conflict",
                 fmt::format("{} select this key with equal precision; make one of them more precise", who));
}

std::string provider_words(RootKey const& key) {
  if (!rotates_itself(key)) return {};
  return fmt::format("; the provider rotates this key by itself (every {})", key.provider_rotation->interval);
}

std::optional<Verdict> only_watched(KeyFacts const& facts) {
  AppliedPolicy const& applied = *policy_of(facts);
  if (applied.mode != Mode::observe) return std::nullopt;
  return verdict(
      KeyStatus::observed, "mode_observe",
      fmt::format("policy {} observes only{}", applied.policy->name.str(), provider_words(facts.key)));
}

std::optional<Verdict> rotated_by_provider(KeyFacts const& facts) {
  if (!has_two_rotators(*policy_of(facts), facts.key)) return std::nullopt;
  return verdict(
      KeyStatus::blocked, "provider_rotates_too",
      fmt::format("the provider rotates this key by itself (every {}), and policy {} wants rekeyd to; set "
                  "mode: delegate and leave it to the provider, or switch its rotation off there",
                  facts.key.provider_rotation->interval, policy_of(facts)->policy->name.str()));
}

/// Where the next version's material comes from, if not from the provider.
std::string material_words(KeyFacts const& facts) {
  AppliedPolicy const& applied = *policy_of(facts);
  if (!is_imported(facts.key, applied.material, facts.provider_tells_origin)) return {};
  if (applied.material.empty()) return {};
  return fmt::format(", with material from {}", applied.material.str());
}

std::optional<Verdict> not_yet_due(KeyFacts const& facts) {
  Instant const due = *due_of(facts);
  if (facts.now >= due) return std::nullopt;
  Verdict said = verdict(KeyStatus::ready, "within_cryptoperiod",
                         fmt::format("due {} by policy {}{}", to_rfc3339(due),
                                     policy_of(facts)->policy->name.str(), material_words(facts)));
  said.due = due;
  said.next_try = due;
  return said;
}

std::optional<Verdict> cannot_be_rotated(KeyFacts const& facts) {
  KeyState const state = facts.key.state;
  bool const usable =
      state == KeyState::active || (state == KeyState::deactivated && facts.deactivated_may_rotate);
  if (!usable) {
    return verdict(
        KeyStatus::blocked, std::string("key_") + to_text(state),
        fmt::format("the key is {} at its provider; enable it there, or exclude it from the policy",
                    to_text(state)));
  }
  if (facts.key.origin == Origin::imported && policy_of(facts)->material.empty()) {
    return verdict(KeyStatus::blocked, "imported_needs_material",
                   "the key's material was imported: a new version needs new material from its owner, and "
                   "its policy names no source of it (material: NAME)");
  }
  return std::nullopt;
}

std::optional<Verdict> kept_by_disk_encryption(KeyFacts const& facts) {
  auto const said = used_by_disk_encryption(policy_of(facts), facts.never_follow);
  if (!said) return std::nullopt;
  return verdict(KeyStatus::blocked, "used_by_disk_encryption", *said);
}

std::optional<Verdict> held_by_provider_floor(KeyFacts const& facts) {
  if (!facts.rotation_floor || !facts.key.last_rotated) return std::nullopt;
  Instant const free = *facts.key.last_rotated + *facts.rotation_floor;
  if (facts.now >= free) return std::nullopt;
  Verdict said = verdict(KeyStatus::waiting, "provider_floor",
                         fmt::format("the provider allows the next rotation at {}", to_rfc3339(free)));
  said.waits_for = WaitsFor::provider_hour;
  said.next_try = free;
  return said;
}

std::optional<Verdict> just_found(KeyFacts const& facts) {
  if (facts.admitted) return std::nullopt;
  Verdict said = verdict(KeyStatus::waiting, "first_look",
                         "the key was found just now; whether too many are due at once is judged when the "
                         "look at its provider has ended");
  said.waits_for = WaitsFor::provider_answer;
  return said;
}

std::optional<Verdict> held_by_brakes(KeyFacts const& facts) {
  if (facts.brakes == nullptr) return std::nullopt;
  std::optional<Braked> const held = braked(*facts.brakes, facts.now);
  if (!held) return std::nullopt;
  Verdict said = verdict(KeyStatus::waiting, held->reason, held->sentence);
  said.waits_for = held->waits_for;
  said.next_try = held->next_try;
  return said;
}

std::optional<Verdict> due_now(KeyFacts const& facts) {
  Instant const due = *due_of(facts);
  bool const late = facts.now >= due + facts.overdue_after;
  Verdict said = verdict(late ? KeyStatus::overdue : KeyStatus::due, "cryptoperiod_over",
                         fmt::format("was due {} by policy {}{}", to_rfc3339(due),
                                     policy_of(facts)->policy->name.str(), material_words(facts)));
  said.due = due;
  said.next_try = due;  // past: as soon as the caps allow, the longest due first
  return said;
}

// The order is the meaning: what a person did or must do comes before what the calendar says.
constexpr Check checks[] = {
    restored_and_unread,
    rotation_blocked,
    rotation_under_way,
    out_of_reach,
    has_successor,
    not_ours,
    policies_disagree,
    only_watched,
    delegated,
    rotated_by_provider,
    not_yet_due,
    cannot_be_rotated,
    kept_by_disk_encryption,
    held_by_provider_floor,
    just_found,
    held_by_brakes,
    due_now,
};

}  // namespace

std::optional<std::string> used_by_disk_encryption(AppliedPolicy const* applied,
                                                   std::span<ResourceId const> never_follow) {
  bool const wanted =
      applied != nullptr && applied->policy->disk_encryption_keys == DiskEncryptionKeys::rotate;
  if (never_follow.empty() || wanted) return std::nullopt;
  return fmt::format(
      "Azure Disk Encryption uses versions of this key and never follows: {}; move these machines to "
      "encryption "
      "at host or to a disk encryption set, or let the policy rotate the key all the same "
      "(azure_disk_encryption: rotate)",
      named(never_follow));
}

Verdict decide(KeyFacts const& facts) {
  for (Check const check : checks) {
    if (std::optional<Verdict> said = check(facts)) {
      if (!said->due) said->due = due_of(facts);
      if (!said->since && said->due && *said->due <= facts.now) said->since = said->due;
      return *said;
    }
  }
  return {};
}

bool may_begin(Verdict const& verdict) {
  return verdict.status == KeyStatus::due || verdict.status == KeyStatus::overdue;
}

}  // namespace rekeyd
