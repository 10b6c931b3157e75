#include "daemon/rekeyctl/contradictions.hpp"

#include "policy/delegation.hpp"
#include "policy/match.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace rekeyd::rekeyctl {

namespace {

/// As much of the key as policies match by, and what concerns its rotation.
RootKey root_key(daemon::KeyReport const& report) {
  RootKey key;
  key.ref = report.key;
  key.name = report.name;
  key.tags = report.tags;
  key.managed_elsewhere = report.verdict.reason == "managed_elsewhere";
  if (!report.provider_rotation.empty())
    key.provider_rotation = ProviderRotation{true, report.provider_rotation};
  return key;
}

bool is_there(daemon::KeyReport const& report) {
  return report.verdict.reason != "gone" && report.state != KeyState::destroyed;
}

config::Diagnostic two_rotators(AppliedPolicy const& applied, daemon::KeyReport const& report) {
  config::Diagnostic told;
  told.place = applied.place;
  told.rule = "two-rotators";
  told.message = fmt::format("policy '{}' wants rekeyd to rotate {}, and its provider does so too, every {}",
                             applied.policy->name.str(), report.key.text(), report.provider_rotation);
  told.hint = "set mode: delegate and leave it to the provider, or switch its own rotation off there";
  return told;
}

}  // namespace

std::vector<config::Diagnostic> contradictions(PolicySet const& policies,
                                               std::vector<daemon::KeyReport> const& keys) {
  std::vector<config::Diagnostic> found;
  for (daemon::KeyReport const& report : keys) {
    RootKey const key = root_key(report);
    PolicyMatch const match = match_policy(policies.policies, key);
    auto const* applied = std::get_if<AppliedPolicy>(&match);
    if (applied == nullptr || !is_there(report)) continue;
    if (has_two_rotators(*applied, key)) found.push_back(two_rotators(*applied, report));
  }
  std::ranges::sort(found, {}, [](config::Diagnostic const& each) {
    return std::tie(each.place.file, each.place.line, each.place.column, each.message);
  });
  return found;
}

}  // namespace rekeyd::rekeyctl
