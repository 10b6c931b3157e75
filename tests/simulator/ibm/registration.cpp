#include "tests/simulator/ibm/registration.hpp"

#include "tests/simulator/message.hpp"
#include "tests/simulator/randomness.hpp"

#include <fmt/format.h>

#include <array>
#include <vector>

namespace rekeyd::sim::ibm {

namespace {

struct Word {
  Profile profile;
  std::string_view name;
};
constexpr std::array<Word, 4> words{
    {{Profile::fast, "fast"}, {Profile::slow, "slow"}, {Profile::never, "never"}, {Profile::stale, "stale"}}};

// Both ends stay inside the four hours that the documentation promises.
std::chrono::seconds delay(Profile profile, Randomness& random) {
  if (profile == Profile::slow) {
    constexpr std::chrono::hours earliest{2};
    constexpr std::uint64_t spread_seconds = 6000;
    return earliest + std::chrono::seconds(random.below(spread_seconds));
  }
  return std::chrono::seconds(2 + random.below(7));
}

// The first nine colons separate: what follows is the resource, which may hold colons of its own.
std::vector<std::string> crn_segments(std::string_view crn) {
  constexpr std::size_t segments = 10;
  std::vector<std::string> result;
  while (result.size() + 1 < segments) {
    auto const colon = crn.find(':');
    if (colon == std::string_view::npos) break;
    result.emplace_back(crn.substr(0, colon));
    crn.remove_prefix(colon + 1);
  }
  result.emplace_back(crn);
  return result;
}

// `*` is the only wildcard; the other characters that shells know are ordinary in a CRN.
bool segment_matches(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern.front() != '*') {
    return !text.empty() && text.front() == pattern.front() &&
           segment_matches(pattern.substr(1), text.substr(1));
  }
  for (std::size_t skipped = 0; skipped <= text.size(); ++skipped) {
    if (segment_matches(pattern.substr(1), text.substr(skipped))) return true;
  }
  return false;
}

}  // namespace

std::optional<Profile> profile_named(std::string_view name) {
  for (auto const& word : words) {
    if (word.name == name) return word.profile;
  }
  return std::nullopt;
}

std::string_view to_text(Profile profile) {
  for (auto const& word : words) {
    if (word.profile == profile) return word.name;
  }
  return {};
}

void settle(Registration& registration, Instant now) {
  auto const& pending = registration.pending;
  if (!pending || pending->done_at > now) return;
  registration.version_id = pending->version_id;
  registration.last_updated = pending->done_at;
  registration.pending.reset();
}

void notify(Registration& registration, Notice notice, std::string const& newest, Instant now,
            Randomness& random) {
  settle(registration, now);
  auto const profile = registration.profile;
  if (profile == Profile::stale) return;
  if (profile == Profile::never && notice == Notice::rotate) return;
  if (registration.version_id == newest && !registration.pending) return;
  auto const hurried = registration.pending && registration.pending->version_id == newest;
  if (hurried) return;
  registration.pending = Registration::Pending{newest, now + delay(profile, random)};
}

bool crn_matches(std::string_view query, std::string_view crn) {
  auto const patterns = crn_segments(query);
  auto const parts = crn_segments(crn);
  if (patterns.size() != parts.size()) return false;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (!segment_matches(patterns[i], parts[i])) return false;
  }
  return true;
}

std::string service_identity(std::string_view crn) {
  auto const segments = crn_segments(crn);
  constexpr std::size_t service_segment = 4;
  std::string_view const service =
      segments.size() > service_segment ? std::string_view(segments[service_segment]) : "unknown";
  return fmt::format("iam-ServiceId-{}", service);
}

}  // namespace rekeyd::sim::ibm
