#include "daemon/policies_in_force.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>

namespace rekeyd::daemon {

Result<ReloadAnswer> PoliciesInForce::load(std::string const& caller) {
  config::Loaded<PolicySet> loaded = config::load_policies(settings_.policies);
  if (loaded.value) {
    std::ranges::move(config::check_names(*loaded.value, settings_), std::back_inserter(loaded.diagnostics));
    if (config::has_errors(loaded.diagnostics)) loaded.value.reset();
  }
  ReloadAnswer answer;
  std::vector<std::string> told_warnings;
  for (config::Diagnostic const& diagnostic : loaded.diagnostics) {
    answer.diagnostics.push_back(config::to_text(diagnostic));
    if (diagnostic.severity == config::Severity::warning) told_warnings.push_back(answer.diagnostics.back());
  }
  if (!loaded.value) {
    std::string const sentence = fmt::format("{} mistakes in {}; the policies that were in force stay",
                                             answer.diagnostics.size(), settings_.policies.string());
    for (std::string const& line : answer.diagnostics) spdlog::error("{}", line);
    errors_ = answer.diagnostics;
    storage::Change change;
    change.events.push_back(
        event_of(EventKind::policies_refused, EventOutcome::failed, caller, sentence, ""));
    auto recorded = world_.store.commit(change);
    if (!recorded) return std::unexpected(recorded.error());
    answer.policies = fleet_.policies().policies.size();
    answer.policy_digest = fleet_.policies().digest;
    return answer;
  }

  if (auto known = read_digest_of_last_life(); !known) return std::unexpected(known.error());
  bool const unchanged = loaded.value->digest == fleet_.policies().digest;
  Storm const storm = storm_of(*loaded.value);
  if (auto recorded = bring_into_force(*std::move(loaded.value), caller, storm, !unchanged); !recorded) {
    return std::unexpected(recorded.error());
  }
  warnings_ = std::move(told_warnings);
  errors_.clear();
  warn_of(storm);
  for (std::string const& line : warnings_) spdlog::warn("{}", line);
  if (!unchanged) let_go_storms_taken_back(fleet_, holds_, world_.clock.wall_now());
  answer.applied = true;
  answer.warnings = warnings_;
  answer.policies = fleet_.policies().policies.size();
  answer.policy_digest = fleet_.policies().digest;
  return answer;
}

HistoryEvent PoliciesInForce::event_of(EventKind kind, EventOutcome outcome, std::string const& caller,
                                       std::string sentence, std::string const& digest) const {
  HistoryEvent event;
  event.at = world_.clock.wall_now();
  event.kind = kind;
  event.outcome = outcome;
  event.actor = caller;
  event.sentence = std::move(sentence);
  event.details["directory"] = settings_.policies.string();
  if (!digest.empty()) event.details["digest"] = digest;
  return event;
}

/// The edit, and the hold that it asks for, become durable as one.
Result<void> PoliciesInForce::bring_into_force(PolicySet policies, std::string const& caller,
                                               Storm const& storm, bool changed) {
  std::optional<Hold> hold = hold_of(storm, settings_.rotations.storm_hold, "this edit of the policies");
  if (changed || hold) {
    storage::Change change;
    change.events.push_back(event_of(EventKind::policies_loaded, EventOutcome::ok, caller,
                                     fmt::format("{} policies in force", policies.policies.size()),
                                     policies.digest));
    if (hold) hold = holds_.add_to(change, *std::move(hold));
    if (auto recorded = world_.store.commit(change); !recorded) return recorded;
  }
  digest_known_ = policies.digest;
  fleet_.apply(std::make_shared<PolicySet const>(std::move(policies)));
  loaded_at_ = world_.clock.wall_now();
  if (hold) holds_.took_effect(*std::move(hold));
  return {};
}

/// What was in force when the last life ended: a restart with the same files changes nothing.
Result<void> PoliciesInForce::read_digest_of_last_life() {
  if (digest_known_) return {};
  storage::HistoryQuery last;
  last.kind = EventKind::policies_loaded;
  last.newest_first = true;
  last.limit = 1;
  auto const events = world_.store.history(last);
  if (!events) return std::unexpected(events.error());
  digest_known_ = "";
  if (events->empty()) return {};
  auto const& details = events->front().event.details;
  if (auto const found = details.find("digest"); found != details.end()) digest_known_ = found->second;
  return {};
}

/// What `policies` make due that was not due before. After a restart with other files nobody can say what was
/// due under those before: all that is due counts.
Storm PoliciesInForce::storm_of(PolicySet const& policies) const {
  Instant const now = world_.clock.wall_now();
  bool const same_as_before = policies.digest == *digest_known_;
  Storm storm;
  for (auto const& [ref, key] : fleet_.keys()) {
    ++storm.fleet;
    PolicyMatch const match = match_policy(policies.policies, key.stored.key);
    bool const was_due = same_as_before || is_due(key, key.match, now);
    if (!is_due(key, match, now)) continue;
    if (was_due) {
      ++storm.due_before;
    } else if (key.stored.admitted) {  // The others are judged when the look that found them has ended.
      storm.add(key, std::get<AppliedPolicy>(match));
    }
  }
  return storm;
}

/// An edit that makes much of the fleet due at once is more often a slip than a wish. A hold, or else the cap
/// of rotations per hour, keeps it from doing harm; this says it aloud to whoever made the edit.
void PoliciesInForce::warn_of(Storm const& storm) {
  auto const hold = hold_of(storm, settings_.rotations.storm_hold, "this edit");
  if (hold) {
    warnings_.push_back(
        fmt::format("{}; none of them begins before `rekeyctl release {}`", hold->sentence, hold->name()));
  } else if (storm.newly_due * 100 > storm.fleet * settings_.rotations.storm_warning_percent) {
    warnings_.push_back(fmt::format(
        "this edit makes {} of {} keys due at once; they will rotate within the cap of rotations per hour",
        storm.newly_due, storm.fleet));
  }
}

}  // namespace rekeyd::daemon
