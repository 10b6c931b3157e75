#include "tests/rehearsal/diary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <tuple>

namespace rekeyd::rehearsal {

namespace {

/// So many versions below its provider's limit, a key is worth a line: a year of rotating every month.
constexpr std::size_t versions_left_least = 12;

std::size_t number_of(std::string const& text) {
  std::size_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::string detail(HistoryEvent const& event, char const* name) {
  auto const found = event.details.find(name);
  return found == event.details.end() ? "" : found->second;
}

std::string span_text(std::chrono::seconds span) {
  auto const hours = std::chrono::floor<std::chrono::hours>(span).count();
  return hours < 48 ? fmt::format("{} hours", hours) : fmt::format("{} days", hours / 24);
}

std::string with_times(std::string sentence, std::size_t times) {
  return times == 1 ? sentence : fmt::format("{} (the first of {})", sentence, times);
}

Trouble trouble_of(TroubleKind kind, daemon::KeyReport const& key) {
  return {kind, key.key.text(), key.name, key.verdict.since, key.verdict.reason, key.verdict.sentence, {}};
}

bool is_past_due(daemon::KeyReport const& key, std::chrono::seconds tolerance, Instant now) {
  switch (key.verdict.status) {
    case KeyStatus::due:
    case KeyStatus::overdue:
    case KeyStatus::waiting:
    case KeyStatus::rotating:
      return key.verdict.due && *key.verdict.due + tolerance <= now;
    default:
      return false;
  }
}

}  // namespace

Diary::Diary(KnownState const& state, Instant from, std::chrono::seconds overdue_after)
    : from_(from), overdue_after_(overdue_after) {
  for (KnownKey const& key : state.keys) names_[key.stored.key.ref.text()] = key.stored.key.name;
  for (Rotation const& rotation : state.unfinished) note(rotation);
  for (Hold const& hold : state.holds) {
    if (!hold.released) holds_[{hold.name(), hold.placed}] = {hold, true};
  }
  begun_ = 0;
}

std::string Diary::name_of(KeyRef const& key) const {
  auto const found = names_.find(key.text());
  return found == names_.end() ? "" : found->second;
}

void Diary::committed(storage::Change const& change) {
  for (Rotation const& rotation : change.rotations) note(rotation);
  for (Hold const& hold : change.holds) holds_[{hold.name(), hold.placed}].hold = hold;
  for (HistoryEvent const& event : change.events) note(event);
}

void Diary::note(Rotation const& rotation) {
  auto const [at, is_new] = rotations_.try_emplace(rotation.id.str());
  RehearsedRotation& known = at->second;
  if (is_new) {
    known.name = name_of(rotation.key);
    ++begun_;
  }
  bool const was_blocked = !is_new && known.rotation.state == RotationState::blocked;
  if (rotation.state == RotationState::blocked && !was_blocked) {
    ++known.times_blocked;
    known.block_reason = rotation.blocked_reason;
    known.block_message = rotation.message;
    known.block_remedy = rotation.remedy;
  }
  known.rotation = rotation;
}

void Diary::note(HistoryEvent const& event) {
  if (event.kind == EventKind::deks_rewrapped && event.rotation) {
    rotations_[event.rotation->str()].deks += number_of(detail(event, "count"));
  }
  if (!event.key) return;
  auto const count = [&event](std::map<std::string, OfKey>& of_keys) {
    OfKey& of_key = of_keys[event.key->text()];
    if (of_key.times++ == 0) of_key.first = event;
  };
  if (event.kind == EventKind::dek_refused) count(refused_);
  if (event.kind == EventKind::drift) count(drifted_);
  if (event.kind == EventKind::step_waiting) {
    auto const until = parse_rfc3339(detail(event, "next_try"));
    note_wait({WaitsFor::provider_answer, "step_" + event.step}, event.key->text(), event.sentence, event.at,
              until.value_or(event.at));
  }
}

void Diary::note_wait(Reason const& reason, std::string const& key, std::string const& sentence, Instant from,
                      Instant to) {
  auto const [at, is_new] = waits_.try_emplace(reason);
  auto& [wait, keys] = at->second;
  if (is_new) {
    wait.waits_for = reason.first;
    wait.reason = reason.second;
    wait.sentence = sentence;
    wait.first = from;
  }
  keys.insert(key);
  wait.keys = keys.size();
  wait.first = std::min(wait.first, from);
  wait.last = std::max(wait.last, to);
  wait.longest = std::max<std::chrono::seconds>(wait.longest, to - from);
}

void Diary::looked(std::vector<daemon::KeyReport> const& keys, Instant now) {
  for (daemon::KeyReport const& key : keys) {
    std::string const ref = key.key.text();
    names_[ref] = key.name;
    if (key.verdict.status != KeyStatus::waiting) {
      waiting_.erase(ref);
      continue;
    }
    Reason const reason{key.verdict.waits_for, key.verdict.reason};
    auto const [at, is_new] = waiting_.try_emplace(ref);
    bool const begins = is_new || at->second.reason != reason;
    // It waits since its date, or since the beginning if that lies before, and not since somebody looked.
    if (begins) at->second = {reason, is_new ? std::max(key.verdict.due.value_or(now), from_) : now};
    note_wait(reason, ref, key.verdict.sentence, std::min(at->second.since, now), now);
  }
}

void Diary::life_over(std::vector<daemon::ProviderReport> const& providers) {
  for (daemon::ProviderReport const& of_life : providers) {
    RehearsedProvider& provider = providers_[of_life.name.str()];
    provider.name = of_life.name.str();
    provider.kind = of_life.kind;
    provider.keys = std::max(provider.keys, of_life.keys);
    provider.calls += of_life.calls.calls;
    provider.retries += of_life.calls.retries;
    provider.throttled += of_life.calls.throttled;
    provider.failed += of_life.calls.failed;
  }
}

void Diary::close_rotations(Findings& findings) const {
  for (auto const& [id, rehearsed] : rotations_) {
    Rotation const& rotation = rehearsed.rotation;
    findings.rotations.push_back(rehearsed);
    std::string const key = rotation.key.text();
    bool const done = rotation.state == RotationState::done;
    if (rehearsed.times_blocked > 0 && rotation.state != RotationState::blocked) {
      findings.troubles.push_back({TroubleKind::was_blocked, key, rehearsed.name, rotation.opened,
                                   rehearsed.block_reason, rehearsed.block_message, rehearsed.block_remedy});
    }
    if (!done || !rotation.due || !rotation.ended) continue;
    auto const late = *rotation.ended - std::max(*rotation.due, from_);
    if (late < overdue_after_) continue;
    findings.troubles.push_back({TroubleKind::late, key, rehearsed.name, rotation.ended, "",
                                 fmt::format("it was due {} and done {} later", to_rfc3339(*rotation.due),
                                             span_text(*rotation.ended - *rotation.due)),
                                 ""});
  }
  std::ranges::sort(findings.rotations, {}, [](RehearsedRotation const& of) {
    return std::tuple(of.rotation.opened, of.rotation.key, of.rotation.id);
  });
}

void Diary::close_key(daemon::KeyReport const& key, Instant now, Findings& findings) const {
  Verdict const& said = key.verdict;
  if (said.status == KeyStatus::blocked) {
    Trouble trouble = trouble_of(TroubleKind::blocked, key);
    if (key.rotation) trouble.remedy = key.rotation->remedy;
    findings.troubles.push_back(std::move(trouble));
  }
  if (is_past_due(key, overdue_after_, now)) {
    findings.troubles.push_back(trouble_of(TroubleKind::overdue, key));
  }
  if (said.status == KeyStatus::unknown) findings.troubles.push_back(trouble_of(TroubleKind::unknown, key));
  if (said.reason == "no_policy") findings.troubles.push_back(trouble_of(TroubleKind::not_covered, key));
  if (!key.versions_max || key.versions + versions_left_least < *key.versions_max) return;
  Trouble trouble = trouble_of(TroubleKind::versions, key);
  std::size_t const left = *key.versions_max - std::min<std::size_t>(key.versions, *key.versions_max);
  trouble.at.reset();
  trouble.reason = "";
  trouble.sentence = fmt::format("{} of {} versions are used up", key.versions, *key.versions_max);
  if (left > 0 && key.every_months) {
    std::size_t const months = left * static_cast<std::size_t>(*key.every_months);
    trouble.sentence += fmt::format("; the rest lasts for {} month{}", months, months == 1 ? "" : "s");
  }
  trouble.remedy = "old versions of a key cannot be deleted: plan to replace it by a new key";
  findings.troubles.push_back(std::move(trouble));
}

void Diary::close_policies(std::vector<daemon::KeyReport> const& keys, PolicySet const& policies,
                           Findings& findings) const {
  std::set<std::string> used;
  for (daemon::KeyReport const& key : keys) used.insert(key.policy);
  for (RotationPolicy const& policy : policies.policies) {
    if (used.contains(policy.name.str())) continue;
    findings.troubles.push_back({TroubleKind::policy_unused, policy.name.str(), "", std::nullopt, "",
                                 fmt::format("no key is under this policy ({})", policy.place.text()), ""});
  }
}

void Diary::close_by_key(Findings& findings) const {
  auto const add = [&](TroubleKind kind, std::map<std::string, OfKey> const& of_keys) {
    for (auto const& [key, of_key] : of_keys) {
      findings.troubles.push_back({kind, key, name_of(*of_key.first.key), of_key.first.at,
                                   of_key.first.error_code, with_times(of_key.first.sentence, of_key.times),
                                   detail(of_key.first, "remedy")});
    }
  };
  add(TroubleKind::dek_refused, refused_);
  add(TroubleKind::drift, drifted_);
  for (auto const& [name, provider] : providers_) {
    if (provider.throttled == 0) continue;
    findings.troubles.push_back(
        {TroubleKind::throttled, name, "", std::nullopt, "",
         fmt::format("it refused {} of {} calls as too many", provider.throttled, provider.calls), ""});
  }
}

Findings Diary::closed(std::vector<daemon::KeyReport> const& keys, PolicySet const& policies, Instant now) {
  Findings findings;
  close_rotations(findings);
  for (daemon::KeyReport const& key : keys) close_key(key, now, findings);
  close_policies(keys, policies, findings);
  close_by_key(findings);
  std::ranges::sort(findings.troubles, {}, [](Trouble const& trouble) {
    return std::tuple(trouble.kind, trouble.at.value_or(Instant{}), trouble.subject, trouble.sentence);
  });
  for (auto const& [name, hold] : holds_) findings.holds.push_back(hold);
  std::ranges::sort(findings.holds, {},
                    [](RehearsedHold const& of) { return std::tuple(of.hold.placed, of.hold.name()); });
  for (auto const& [reason, wait] : waits_) findings.waits.push_back(wait.first);
  std::ranges::sort(findings.waits, {},
                    [](RehearsedWait const& wait) { return std::tuple(wait.first, wait.reason); });
  for (auto const& [name, provider] : providers_) findings.providers.push_back(provider);
  findings.keys = keys.size();
  return findings;
}

}  // namespace rekeyd::rehearsal
