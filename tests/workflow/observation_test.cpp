#include "daemon/observation.hpp"

#include <catch2/catch.hpp>

namespace rekeyd::daemon {
namespace {

Instant at(int day) { return Instant(std::chrono::hours(24) * day); }

KeyVersion version(char const* id, int day) {
  KeyVersion made;
  made.id = VersionId(id);
  made.created = at(day);
  return made;
}

/// A key with two versions, the second of which is current.
TrackedKey known_key() {
  TrackedKey known;
  known.stored.key.ref = KeyRef::parse("ibm/orders/crk").value();
  known.stored.key.state = KeyState::active;
  known.stored.key.current = VersionId("v2");
  known.stored.key.current_created = at(30);
  known.stored.versions = {version("v1", 1), version("v2", 30)};
  known.stored.first_seen = at(2);
  known.stored.last_seen = at(40);
  return known;
}

providers::KeyDescription reading(TrackedKey const& known, std::vector<KeyVersion> versions) {
  providers::KeyDescription description{known.stored.key, std::move(versions)};
  if (description.versions.empty()) return description;
  description.key.current = description.versions.back().id;
  description.key.current_created = description.versions.back().created;
  return description;
}

Observation observed(TrackedKey const& known, providers::KeyDescription description) {
  return observe(&known, std::move(description), {}, std::nullopt, at(50));
}

TEST_CASE("a reading that lags behind what is known takes no version back") {
  TrackedKey const known = known_key();
  Observation const seen = observed(known, reading(known, {version("v1", 1)}));
  CHECK(seen.stored.key.current == VersionId("v2"));
  CHECK(seen.stored.key.current_created == at(30));
  CHECK(seen.stored.versions == known.stored.versions);
  CHECK(seen.change.events.empty());
  CHECK_FALSE(seen.drift_from);
}

TEST_CASE("a deleted key that shows no versions keeps those that are known") {
  TrackedKey const known = known_key();
  auto description = reading(known, {});
  description.key.state = KeyState::destroyed;
  description.key.current.reset();
  Observation const seen = observed(known, std::move(description));
  CHECK(seen.stored.versions == known.stored.versions);
  REQUIRE(seen.change.events.size() == 1);
  CHECK(seen.change.events.front().kind == EventKind::drift);
}

TEST_CASE("an unknown current version is drift, a known one is not") {
  TrackedKey const known = known_key();
  Observation const rotated =
      observed(known, reading(known, {version("v1", 1), version("v2", 30), version("v3", 45)}));
  CHECK(rotated.drift_from == VersionId("v2"));
  CHECK(rotated.stored.versions.size() == 3);
  CHECK_FALSE(observed(known, reading(known, known.stored.versions)).drift_from);
}

}  // namespace
}  // namespace rekeyd::daemon
