#include "policy/delegation.hpp"

#include "policy/provider_rotation.hpp"

#include <fmt/format.h>

#include <utility>

namespace rekeyd {

namespace {

Verdict verdict(KeyStatus status, std::string reason, std::string sentence) {
  return {.status = status, .reason = std::move(reason), .sentence = std::move(sentence)};
}

AppliedPolicy const& policy_of(KeyFacts const& facts) { return std::get<AppliedPolicy>(facts.match); }

/// What the provider does now instead of what it should.
std::string rule_words(KeyFacts const& facts) {
  if (!facts.key.provider_rotation) return "it shows no rotation of its own";
  if (!facts.key.provider_rotation->enabled) return "its own rotation is off";
  return fmt::format("it does so every {}", facts.key.provider_rotation->interval);
}

Verdict imported(KeyFacts const& facts) {
  return verdict(
      KeyStatus::blocked, "imported_delegated",
      fmt::format("policy {} leaves the rotation to the provider, which cannot make the next version of a "
                  "key whose material was imported; set mode: enforce and name a source of material "
                  "(material: NAME)",
                  policy_of(facts).policy->name.str()));
}

Verdict unusable(KeyFacts const& facts) {
  return verdict(
      KeyStatus::blocked, std::string("key_") + to_text(facts.key.state),
      fmt::format("the key is {} at its provider, which does not rotate it; enable it there, or exclude it "
                  "from the policy",
                  to_text(facts.key.state)));
}

/// What the policy asks for has not come to the provider yet. That is upkeep's to do; a key that has become
/// due meanwhile is a person's.
Verdict unset(KeyFacts const& facts) {
  AppliedPolicy const& applied = policy_of(facts);
  Instant const due = calendar_due_at(applied, facts.key.ref, facts.versions);
  bool const late = facts.now >= due + facts.overdue_after;
  std::string sentence =
      fmt::format("policy {} wants the provider to rotate this key {}; {}", applied.policy->name.str(),
                  asked_words(applied.every, facts.rotation_month), rule_words(facts));
  if (late) {
    sentence += fmt::format(
        "; the key was due {}: see in the history why that could not be set (rekeyd needs the "
        "right to set rotation policies), or set mode: enforce",
        to_rfc3339(due));
  }
  Verdict said =
      verdict(late ? KeyStatus::blocked : KeyStatus::waiting, "delegation_unset", std::move(sentence));
  said.due = due;
  if (!late) said.next_try = due + facts.overdue_after;
  return said;
}

std::string beside_ours(KeyFacts const& facts) {
  AppliedPolicy const& applied = policy_of(facts);
  return fmt::format("by policy {} it is due {}", applied.policy->name.str(),
                     to_rfc3339(calendar_due_at(applied, facts.key.ref, facts.versions)));
}

Verdict rotates(KeyFacts const& facts, ProviderDate const& date) {
  Verdict said = verdict(
      KeyStatus::ready, "provider_rotates",
      fmt::format("the provider rotates this key every {}, next by {}; {}",
                  facts.key.provider_rotation->interval, to_rfc3339(date.latest), beside_ours(facts)));
  said.due = date.expected;
  said.next_try = date.expected;
  return said;
}

/// Its date has come. Until the provider's own tolerance is over, and the key has been read after that, it
/// may have rotated.
Verdict is_to_rotate(KeyFacts const& facts, ProviderDate const& date) {
  Verdict said = verdict(
      KeyStatus::waiting, "provider_rotates",
      fmt::format("the provider rotates this key every {}: it is to do so by {}; {}",
                  facts.key.provider_rotation->interval, to_rfc3339(date.latest), beside_ours(facts)));
  said.waits_for = WaitsFor::provider_answer;
  said.due = date.expected;
  if (facts.now < date.latest) said.next_try = date.latest;
  return said;
}

Verdict has_not_rotated(KeyFacts const& facts, ProviderDate const& date) {
  Verdict said = verdict(
      KeyStatus::blocked, "provider_has_not_rotated",
      fmt::format(
          "the provider was to rotate this key by {} (every {}) and has not; look at the key's rotation "
          "policy and limits there, rotate it with `rekeyctl rotate`, or set mode: enforce",
          to_rfc3339(date.latest), facts.key.provider_rotation->interval));
  said.due = date.expected;
  return said;
}

}  // namespace

bool has_two_rotators(AppliedPolicy const& applied, RootKey const& key) {
  return applied.mode == Mode::enforce && rotates_itself(key) && !key.managed_elsewhere;
}

std::optional<Verdict> delegated(KeyFacts const& facts) {
  AppliedPolicy const& applied = policy_of(facts);
  if (applied.mode != Mode::delegate) return std::nullopt;
  if (facts.key.origin == Origin::imported) return imported(facts);
  if (auto why = used_by_disk_encryption(&applied, facts.never_follow)) {
    return verdict(KeyStatus::blocked, "used_by_disk_encryption", *std::move(why));
  }
  bool const usable = facts.key.state == KeyState::active;
  bool const asked = rotates_as_asked(facts.key, applied.every, facts.rotation_month);
  if (!asked) return usable ? unset(facts) : unusable(facts);
  ProviderDate const date =
      provider_date(*facts.key.provider_rotation, facts.versions.back().created).value();
  if (facts.now < date.expected) return rotates(facts, date);
  if (!usable) return unusable(facts);
  bool const over = facts.now >= date.latest && facts.read_at >= date.latest;
  return over ? has_not_rotated(facts, date) : is_to_rotate(facts, date);
}

}  // namespace rekeyd
