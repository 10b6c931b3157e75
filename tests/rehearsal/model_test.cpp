// The model of an inventory: the daemon must find in it what it knew.
#include "config/load.hpp"
#include "storage/read_only.hpp"
#include "tests/rehearsal/rehearsed_world.hpp"
#include "tests/rehearsal/small_fleet.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <set>

using namespace rekeyd;
using namespace rekeyd::rehearsal;
using rekeyd::test::SmallFleet;

namespace {

Instant at(char const* text) { return parse_rfc3339(text).value(); }

Play play_of(SmallFleet const& fleet) {
  Play play;
  auto reader = storage::open_read_only(fleet.database());
  REQUIRE(reader);
  play.state = read_state(**reader).value();
  play.deks = count_deks(fleet.settings().dek_stores);
  play.settings = fleet.settings();
  play.policies_from = play.settings.policies;
  play.policies = config::load_policies(play.policies_from).value.value();
  play.from = at("2026-11-22T00:00:00Z");
  play.months = 1;
  play.seed = 7;
  return play;
}

/// What the daemon has put into its history.
struct Recorded {
  std::vector<HistoryEvent> events;
  std::set<std::string> of(EventKind kind) const {
    std::set<std::string> keys;
    for (HistoryEvent const& event : events) {
      if (event.kind == kind) keys.insert(event.key ? event.key->text() : "");
    }
    return keys;
  }
};

Recorded lived(Play play) {
  Recorded recorded;
  RehearsedWorld world(std::move(play));
  world.on_commit = [&recorded](storage::Change const& change) {
    recorded.events.insert(recorded.events.end(), change.events.begin(), change.events.end());
  };
  auto const findings = world.live();
  if (!findings) FAIL(to_text(findings.error()));
  return recorded;
}

}  // namespace

TEST_CASE("the daemon finds every kind of key in the model as it knew it", "[rehearsal]") {
  SmallFleet const fleet;
  fleet.write_policies(
      "version: 1\npolicies:\n  - { name: all, match: { key: \"*\" }, every: 1 month, mode: observe }\n");
  Recorded const recorded = lived(play_of(fleet));
  for (EventKind const kind : {EventKind::key_found, EventKind::key_gone, EventKind::version_found,
                               EventKind::drift, EventKind::rotation_opened}) {
    INFO(to_text(kind));
    CHECK(recorded.of(kind) == std::set<std::string>());
  }
  for (HistoryEvent const& event : recorded.events) {
    if (event.kind != EventKind::key_changed) continue;
    INFO(event.key->text());
    for (auto const& [name, change] : event.details) CHECK(name + ": " + change == "");
  }
}
