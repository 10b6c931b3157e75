#include "daemon/listing_news.hpp"

#include <chrono>

namespace rekeyd::daemon {

namespace {

// A listing does not tell everything (a provider's own rotation policy, for one): every key is read in full
// at least this often.
constexpr auto full_reading_every = std::chrono::hours(24);

/// At IBM a listing tells how the provider itself rotates a key, at Azure only a full reading does.
bool has_other_rule(RootKey const& listed, RootKey const& before) {
  if (!listed.provider_rotation) return false;
  if (!before.provider_rotation) return true;
  return listed.provider_rotation->enabled != before.provider_rotation->enabled ||
         listed.provider_rotation->interval != before.provider_rotation->interval;
}

/// Under `mode: delegate`: the provider had not done what it should when it was last heard of this key.
bool provider_is_late(Verdict const& said) {
  bool const waits = said.reason == "provider_rotates" && said.status == KeyStatus::waiting && !said.next_try;
  return waits || said.reason == "delegation_unset";
}

}  // namespace

bool shows_news(RootKey const& listed, TrackedKey const& known, Verdict const& said, Instant now) {
  RootKey const& before = known.stored.key;
  bool const moved = (listed.current && listed.current != before.current) ||
                     (listed.current_created && listed.current_created != before.current_created);
  bool const changed = listed.state != before.state || listed.tags != before.tags ||
                       listed.expires != before.expires || has_other_rule(listed, before);
  // A clock that was ahead of time has dated the last reading; what it dated is old, too.
  auto const since = now - known.stored.last_seen;
  bool const old = since >= full_reading_every || since < -clock_tolerance;
  // A rotation, ours as well, is what registrations follow; it does not read them itself.
  bool const rotated_since =
      before.current_created && known.stored.last_seen < *before.current_created + clock_tolerance;
  return moved || changed || old || rotated_since || provider_is_late(said) || known.stored.gone ||
         !known.read_error.empty();
}

}  // namespace rekeyd::daemon
