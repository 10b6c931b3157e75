#include "daemon/policies_in_force.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>

namespace rekeyd::daemon {

namespace {

bool is_due(TrackedKey const& key, PolicyMatch const& match, Instant now) {
  auto const* applied = std::get_if<AppliedPolicy>(&match);
  if (applied == nullptr || applied->mode != Mode::enforce || key.stored.versions.empty()) return false;
  return due_at(*applied, key.stored.key.ref, key.stored.versions) <= now;
}

}  // namespace

Result<ReloadAnswer> PoliciesInForce::load(std::string const& caller) {
  config::Loaded<PolicySet> loaded = config::load_policies(settings_.policies);
  if (loaded.value) {
    std::ranges::move(config::check_names(*loaded.value, settings_), std::back_inserter(loaded.diagnostics));
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
    auto recorded = record(EventKind::policies_refused, EventOutcome::failed, caller, sentence, "");
    if (!recorded) return std::unexpected(recorded.error());
    answer.policies = fleet_.policies().policies.size();
    answer.policy_digest = fleet_.policies().digest;
    return answer;
  }

  bool const unchanged = loaded.value->digest == fleet_.policies().digest;
  if (!unchanged) {
    auto recorded =
        record(EventKind::policies_loaded, EventOutcome::ok, caller,
               fmt::format("{} policies in force", loaded.value->policies.size()), loaded.value->digest);
    if (!recorded) return std::unexpected(recorded.error());
  }
  std::size_t const due_before = due_under(fleet_.policies());
  std::size_t const due_after = due_under(*loaded.value);
  warnings_ = std::move(told_warnings);
  errors_.clear();
  warn_of_storm(due_before, due_after);
  for (std::string const& line : warnings_) spdlog::warn("{}", line);
  fleet_.apply(std::make_shared<PolicySet const>(*std::move(loaded.value)));
  loaded_at_ = world_.clock.wall_now();
  answer.applied = true;
  answer.warnings = warnings_;
  answer.policies = fleet_.policies().policies.size();
  answer.policy_digest = fleet_.policies().digest;
  return answer;
}

Result<void> PoliciesInForce::record(EventKind kind, EventOutcome outcome, std::string const& caller,
                                     std::string sentence, std::string const& digest) {
  HistoryEvent event;
  event.at = world_.clock.wall_now();
  event.kind = kind;
  event.outcome = outcome;
  event.actor = caller;
  event.sentence = std::move(sentence);
  event.details["directory"] = settings_.policies.string();
  if (!digest.empty()) event.details["digest"] = digest;
  storage::Change change;
  change.events.push_back(std::move(event));
  return world_.store.commit(change);
}

std::size_t PoliciesInForce::due_under(PolicySet const& policies) const {
  Instant const now = world_.clock.wall_now();
  std::size_t due = 0;
  for (auto const& [ref, key] : fleet_.keys()) {
    if (is_due(key, match_policy(policies.policies, key.stored.key), now)) ++due;
  }
  return due;
}

/// An edit that makes much of the fleet due at once is more often a slip than a wish. The cap of rotations
/// per hour keeps it slow; this says it aloud.
void PoliciesInForce::warn_of_storm(std::size_t due_before, std::size_t due_after) {
  std::size_t const fleet = fleet_.keys().size();
  if (due_after <= due_before || fleet == 0) return;
  std::size_t const more = due_after - due_before;
  if (more * 100 <= fleet * settings_.rotations.storm_warning_percent) return;
  warnings_.push_back(fmt::format(
      "this edit makes {} of {} keys due at once; they will rotate within the cap of rotations per hour",
      more, fleet));
}

}  // namespace rekeyd::daemon
