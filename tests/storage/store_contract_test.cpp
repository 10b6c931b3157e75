#include "tests/storage/samples.hpp"
#include "tests/storage/scratch.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

// What every Store keeps to. Another implementation joins by a type like SqliteHome: a place for one store
// that can be opened again after it has been closed.
namespace rekeyd::storage::test {

namespace {

class SqliteHome {
 public:
  std::unique_ptr<Store> open() { return open_or_fail(scratch_.database()); }

 private:
  Scratch scratch_;
};

template <class Value>
Value value_of(Result<Value> result) {
  if (!result) FAIL(to_text(result.error()));
  return std::move(*result);
}

Change only_key(KeyRef const& ref) {
  Change change;
  change.keys = {stored_key(ref)};
  return change;
}

std::vector<std::int64_t> sequences(std::vector<RecordedEvent> const& events) {
  std::vector<std::int64_t> out;
  for (RecordedEvent const& recorded : events) out.push_back(recorded.sequence);
  return out;
}

}  // namespace

TEMPLATE_TEST_CASE("a new store is empty and knows nothing", "[contract]", SqliteHome) {
  TestType home;
  auto const store = home.open();
  CHECK(value_of(store->keys()).empty());
  CHECK_FALSE(value_of(store->key(ledger())).has_value());
  CHECK(value_of(store->versions(ledger())).empty());
  CHECK(value_of(store->registrations(ledger())).empty());
  CHECK(value_of(store->unfinished_rotations()).empty());
  CHECK_FALSE(value_of(store->rotation(RotationId("r"))).has_value());
  CHECK(value_of(store->rotations(ledger(), 10)).empty());
  CHECK(value_of(store->steps(RotationId("r"))).empty());
  CHECK(value_of(store->previous_deks(ledger())).empty());
  CHECK(value_of(store->holds()).empty());
  CHECK(value_of(store->history({})).empty());
  CHECK(value_of(store->history_head()) == HistoryHead{0, std::string(64, '0')});
}

TEMPLATE_TEST_CASE("an empty change is a success that changes nothing", "[contract]", SqliteHome) {
  TestType home;
  auto const store = home.open();
  commit_or_fail(*store, Change{});
  CHECK(value_of(store->history_head()).sequence == 0);
}

TEMPLATE_TEST_CASE("a hold stays until it is released, and what was accepted of the clock after that",
                   "[contract]", SqliteHome) {
  TestType home;
  Hold held;
  held.kind = HoldKind::circuit_open;
  held.scope = BrakeScope::of(ProviderName("azure-prod"));
  held.placed = moment(10);
  held.sentence = "five failed";
  held.next_try = moment(20);
  held.details = {{"failures", "5"}, {"odd", "\"\xc3\xa4\n"}};
  Hold clock = held;
  clock.kind = HoldKind::clock_disagrees;
  clock.placed = moment(11);
  Change change;
  change.holds = {held, clock};
  commit_or_fail(*home.open(), change);
  auto const store = home.open();
  CHECK(value_of(store->holds()) == std::vector<Hold>{held, clock});

  held.released = clock.released = moment(30);
  held.released_by = clock.released_by = "uid 1000 (anna)";
  held.release_reason = clock.release_reason = "mended";
  clock.accepted_offset = std::chrono::seconds(-7200);
  change.holds = {held, clock};
  commit_or_fail(*store, change);
  CHECK(value_of(store->holds()) == std::vector<Hold>{clock});
  clock.accepted_offset.reset();
  change.holds = {clock};
  commit_or_fail(*store, change);
  CHECK(value_of(store->holds()).empty());

  // A new one of the same kind and scope is another hold; two in force at a time cannot be.
  held.released.reset();
  held.placed = moment(40);
  change.holds = {held};
  commit_or_fail(*store, change);
  held.placed = moment(41);
  change.holds = {held};
  auto const second = store->commit(change);
  REQUIRE_FALSE(second);
  CHECK(second.error().what.find("circuit_open:provider:azure-prod") != std::string::npos);
}

TEMPLATE_TEST_CASE("keys found are admitted together", "[contract]", SqliteHome) {
  TestType home;
  auto const store = home.open();
  Change change = only_key(ledger());
  change.keys.front().admitted = false;
  commit_or_fail(*store, change);
  CHECK_FALSE(value_of(store->key(ledger()))->admitted);
  Change admission;
  admission.admit_keys = true;
  commit_or_fail(*store, admission);
  CHECK(value_of(store->key(ledger()))->admitted);
}

TEMPLATE_TEST_CASE("the newest events come first if that is asked for", "[contract]", SqliteHome) {
  TestType home;
  auto const store = home.open();
  commit_or_fail(*store, full_change());
  HistoryQuery query;
  query.newest_first = true;
  query.limit = 2;
  auto const newest = sequences(value_of(store->history(query)));
  CHECK(newest == std::vector<std::int64_t>{4, 3});
}

TEMPLATE_TEST_CASE("everything that was committed is there after opening again", "[contract]", SqliteHome) {
  TestType home;
  Change const change = full_change();
  commit_or_fail(*home.open(), change);
  auto const store = home.open();

  auto const keys = value_of(store->keys());
  REQUIRE(keys.size() == 2);
  CHECK(keys[0].key == change.keys[0].key);
  CHECK(keys[0].versions == std::vector{change.versions[0].version, change.versions[1].version});
  CHECK(value_of(store->key(ledger())) == keys[0]);
  CHECK(value_of(store->versions(ledger())) == std::vector{change.versions[0], change.versions[1]});
  CHECK(value_of(store->registrations(ledger())) == change.registrations);
  CHECK(value_of(store->rotation(RotationId("r-1"))) == change.rotations[0]);
  CHECK(value_of(store->unfinished_rotations()) == std::vector{change.rotations[1]});
  CHECK(value_of(store->steps(RotationId("r-1"))) ==
        std::vector<StepRecord>(change.steps.begin(), change.steps.begin() + 3));
  CHECK(value_of(store->previous_deks(ledger())) == change.previous_deks);
  CHECK(value_of(store->resource_changes(RotationId("r-1"))) == change.resource_changes);
  CHECK(value_of(store->machine_stops(RotationId("r-1"))) == change.machine_stops);
  CHECK(value_of(store->registrations_under("/subscriptions/s/")) == std::vector{change.registrations[0]});
  CHECK(value_of(store->registrations_under("/subscriptions/t/")).empty());
  CHECK(value_of(store->registrations_following(change.registrations[0].following)) ==
        std::vector{change.registrations[0]});
  CHECK(value_of(store->registrations_following(Following::never)).empty());
  auto const events = value_of(store->history({}));
  REQUIRE(events.size() == change.events.size());
  for (std::size_t i = 0; i < events.size(); ++i) CHECK(events[i].event == change.events[i]);
  CHECK(value_of(store->history_head()) == HistoryHead{4, events.back().hash});
}

TEMPLATE_TEST_CASE("key facts are replaced and versions left alone", "[contract]", SqliteHome) {
  TestType home;
  auto const store = home.open();
  Change first = only_key(ledger());
  first.versions = {stored_version(ledger(), "v1", moment(1))};
  commit_or_fail(*store, first);
  Change second = only_key(ledger());
  second.keys[0].key.state = KeyState::suspended;
  second.keys[0].key.tags.clear();
  second.keys[0].gone = true;
  commit_or_fail(*store, second);
  auto const found = value_of(store->key(ledger()));
  REQUIRE(found);
  CHECK(found->key == second.keys[0].key);
  CHECK(found->gone);
  CHECK(found->versions.size() == 1);
}

TEMPLATE_TEST_CASE("who made a version is never forgotten", "[contract]", SqliteHome) {
  TestType home;
  auto const store = home.open();
  Change change = full_change();
  commit_or_fail(*store, change);
  StoredVersion seen_again = change.versions[1];
  seen_again.made_by = MadeBy::unknown;
  seen_again.rotation.reset();
  seen_again.version.enabled = false;
  Change later;
  later.versions = {seen_again};
  commit_or_fail(*store, later);
  auto const versions = value_of(store->versions(ledger()));
  REQUIRE(versions.size() == 2);
  CHECK(versions[1].made_by == MadeBy::rekeyd);
  CHECK(versions[1].rotation == RotationId("r-1"));
  CHECK_FALSE(versions[1].version.enabled);
}

TEMPLATE_TEST_CASE("what was unknown of a version can be learnt later", "[contract]", SqliteHome) {
  TestType home;
  auto const store = home.open();
  Change change = only_key(ledger());
  change.versions = {stored_version(ledger(), "v1", moment(1))};
  commit_or_fail(*store, change);
  change.versions[0].made_by = MadeBy::other;
  commit_or_fail(*store, change);
  CHECK(value_of(store->versions(ledger())).at(0).made_by == MadeBy::other);
}

TEMPLATE_TEST_CASE("versions come oldest first whatever order they were given in", "[contract]", SqliteHome) {
  TestType home;
  auto const store = home.open();
  Change change = only_key(ledger());
  for (auto const& [id, at] : {std::pair{"b", 50}, {"a", 50}, {"z", 10}, {"c", 90}}) {
    change.versions.push_back(stored_version(ledger(), id, moment(at)));
  }
  commit_or_fail(*store, change);
  std::string order;
  auto const found = value_of(store->key(ledger()));
  for (KeyVersion const& version : found->versions) order += version.id.str();
  CHECK(order == "zabc");
}

TEMPLATE_TEST_CASE("what was asked of a resource is replaced when its end is known", "[contract]",
                   SqliteHome) {
  TestType home;
  auto const store = home.open();
  Change const change = full_change();
  commit_or_fail(*store, change);
  Change ended;
  ended.resource_changes = {change.resource_changes[1]};
  ended.resource_changes[0].ended_at = moment(99);
  ended.resource_changes[0].outcome = "done";
  commit_or_fail(*store, ended);
  CHECK(value_of(store->resource_changes(RotationId("r-1"))) ==
        std::vector{change.resource_changes[0], ended.resource_changes[0]});
  Change nobodys;
  nobodys.resource_changes = {change.resource_changes[0]};
  nobodys.resource_changes[0].rotation = RotationId("r-unknown");
  CHECK_FALSE(store->commit(nobodys));
}

TEMPLATE_TEST_CASE("the last downtime of a resource is that of its slowest machine in the newest rotation",
                   "[contract]", SqliteHome) {
  TestType home;
  auto const store = home.open();
  Change change = full_change();
  MachineStop const sample = change.machine_stops.front();
  CHECK(value_of(store->last_downtime(sample.resource)) == std::nullopt);
  change.machine_stops.clear();
  for (auto const& [rotation, machine, asked, running] :
       {std::tuple("r-1", "a", 10, 900), std::tuple("r-2", "a", 1000, 1100),
        std::tuple("r-2", "b", 1000, 1150)}) {
    MachineStop stop = sample;
    stop.rotation = RotationId(rotation);
    stop.machine = ResourceId(machine);
    stop.ran = true;
    stop.asked_at = moment(asked);
    stop.running_at = moment(running);
    change.machine_stops.push_back(stop);
  }
  commit_or_fail(*store, change);
  CHECK(value_of(store->last_downtime(sample.resource)) == std::chrono::seconds(150));
  CHECK(value_of(store->last_downtime(ResourceId("another"))) == std::nullopt);
}

TEMPLATE_TEST_CASE("a registration is replaced by key and resource and can go", "[contract]", SqliteHome) {
  TestType home;
  auto const store = home.open();
  Change change = full_change();
  commit_or_fail(*store, change);
  Change moved;
  moved.registrations = {change.registrations[0]};
  moved.registrations[0].version = VersionId("v2");
  moved.registrations_gone = {change.registrations[1]};
  commit_or_fail(*store, moved);
  CHECK(value_of(store->registrations(ledger())) == moved.registrations);
}

TEMPLATE_TEST_CASE("rotations of a key come newest first up to the limit", "[contract]", SqliteHome) {
  TestType home;
  auto const store = home.open();
  Change change = only_key(ledger());
  for (int i = 0; i < 5; ++i) {
    Rotation rotation = open_rotation(ledger(), "r-" + std::to_string(i));
    rotation.state = RotationState::done;
    rotation.opened = moment(i / 2);  // some at the same moment
    change.rotations.push_back(rotation);
  }
  commit_or_fail(*store, change);
  std::string order;
  for (Rotation const& rotation : value_of(store->rotations(ledger(), 3))) order += rotation.id.str() + " ";
  CHECK(order == "r-4 r-3 r-2 ");
  CHECK(value_of(store->rotations(ledger(), static_cast<std::size_t>(-1))).size() == 5);
}

TEMPLATE_TEST_CASE("a key has no second open rotation", "[contract]", SqliteHome) {
  TestType home;
  auto const store = home.open();
  Change change = only_key(ledger());
  change.rotations = {open_rotation(ledger(), "r-1")};
  commit_or_fail(*store, change);
  Change second;
  second.rotations = {open_rotation(ledger(), "r-2")};
  second.events = {event(EventKind::rotation_opened, moment(1), ledger())};
  auto const refused = store->commit(second);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().what.find("r-2") != std::string::npos);
  CHECK(value_of(store->history({})).empty());
  second.rotations.insert(second.rotations.begin(), change.rotations[0]);
  second.rotations[0].state = RotationState::done;
  commit_or_fail(*store, second);
  CHECK(value_of(store->unfinished_rotations()).size() == 1);
}

TEMPLATE_TEST_CASE("a step's outcome replaces its intent", "[contract]", SqliteHome) {
  TestType home;
  auto const store = home.open();
  Change change = only_key(ledger());
  change.rotations = {open_rotation(ledger(), "r-1")};
  change.steps = {{RotationId("r-1"), Step::rotate, 1, moment(5), std::nullopt, "", ""}};
  commit_or_fail(*store, change);
  CHECK_FALSE(value_of(store->steps(RotationId("r-1"))).at(0).ended_at.has_value());
  Change outcome;
  outcome.steps = {{RotationId("r-1"), Step::rotate, 1, moment(5), moment(9), "done", "made v2"}};
  commit_or_fail(*store, outcome);
  CHECK(value_of(store->steps(RotationId("r-1"))) == outcome.steps);
}

TEMPLATE_TEST_CASE("a previous WDEK recorded again is kept once and another of its name beside it",
                   "[contract]", SqliteHome) {
  TestType home;
  auto const store = home.open();
  commit_or_fail(*store, full_change());
  Change again;
  again.previous_deks = {previous_dek(ledger(), "d1", RotationId("r-1"))};
  again.previous_deks[0].replaced_at = moment(700);
  commit_or_fail(*store, again);
  CHECK(value_of(store->previous_deks(ledger())).size() == 1);
  again.previous_deks[0].before.ciphertext = "b3RoZXI";
  commit_or_fail(*store, again);
  CHECK(value_of(store->previous_deks(ledger())).size() == 2);
  CHECK(value_of(store->previous_deks(backups())).empty());
}

TEMPLATE_TEST_CASE("a change that names an unknown key is refused whole and says which", "[contract]",
                   SqliteHome) {
  TestType home;
  auto const store = home.open();
  Change change = only_key(ledger());
  change.events = {event(EventKind::key_found, moment(1), ledger())};
  auto const part = GENERATE(0, 1, 2, 3);
  if (part == 0) change.versions = {stored_version(backups(), "b1", moment(1))};
  if (part == 1) change.rotations = {open_rotation(backups(), "r-1")};
  if (part == 2) change.previous_deks = {previous_dek(backups(), "d", RotationId("r-1"))};
  if (part == 3) {
    change.registrations.resize(1);
    change.registrations[0].key = backups();
  }
  auto const refused = store->commit(change);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().error_class == ErrorClass::storage);
  CHECK(refused.error().what.find(backups().text()) != std::string::npos);
  CHECK_FALSE(refused.error().remedy.empty());
  CHECK(value_of(store->keys()).empty());
  CHECK(value_of(store->history({})).empty());
  change = only_key(ledger());
  commit_or_fail(*store, change);
}

TEMPLATE_TEST_CASE("a step of an unknown rotation is refused and named", "[contract]", SqliteHome) {
  TestType home;
  auto const store = home.open();
  Change change;
  change.steps = {{RotationId("r-404"), Step::rotate, 3, moment(1), std::nullopt, "", ""}};
  auto const refused = store->commit(change);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().what.find("try 3 of step rotate of rotation r-404") != std::string::npos);
}

TEMPLATE_TEST_CASE("history is found by every filter and by pages", "[contract]", SqliteHome) {
  TestType home;
  auto const store = home.open();
  Change change = full_change();
  change.keys[1].key.name = "Nightly Backups";
  commit_or_fail(*store, change);
  auto const found = [&](auto&& set) {
    HistoryQuery query;
    set(query);
    return sequences(value_of(store->history(query)));
  };
  using Numbers = std::vector<std::int64_t>;
  CHECK(found([](auto&) {}) == Numbers{1, 2, 3, 4});
  CHECK(found([](auto& q) { q.key = backups(); }) == Numbers{4});
  CHECK(found([](auto& q) { q.key_text = "CMK-led"; }) == Numbers{1, 2, 3});
  CHECK(found([](auto& q) { q.key_text = "nightly"; }) == Numbers{4});
  CHECK(found([](auto& q) { q.key_text = "prod/payments"; }) == Numbers{1, 2, 3});
  CHECK(found([](auto& q) { q.key_text = "%"; }) == Numbers{});
  CHECK(found([](auto& q) { q.policy = PolicyName("payments"); }) == Numbers{2});
  CHECK(found([](auto& q) { q.rotation = RotationId("r-1"); }) == Numbers{2});
  CHECK(found([](auto& q) { q.outcome = EventOutcome::failed; }) == Numbers{2});
  CHECK(found([](auto& q) { q.kind = EventKind::rotation_done; }) == Numbers{3});
  CHECK(found([](auto& q) { q.since = moment(50); }) == Numbers{2, 3, 4});
  CHECK(found([](auto& q) { q.until = moment(50); }) == Numbers{1});
  CHECK(found([](auto& q) {
          q.since = moment(1);
          q.until = moment(95);
          q.outcome = EventOutcome::ok;
          q.key = ledger();
        }) == Numbers{3});
  CHECK(found([](auto& q) { q.limit = 2; }) == Numbers{1, 2});
  CHECK(found([](auto& q) {
          q.limit = 2;
          q.after_sequence = 2;
        }) == Numbers{3, 4});
  CHECK(found([](auto& q) { q.limit = 0; }) == Numbers{});
}

TEMPLATE_TEST_CASE("each event's hash depends on those before it", "[contract]", SqliteHome) {
  TestType first_home;
  TestType second_home;
  auto const first = first_home.open();
  auto const second = second_home.open();
  Change change;
  change.events = {full_event(moment(1)), full_event(moment(1))};
  commit_or_fail(*first, change);
  // The same events in two changes make the same chain: it is of events, not of transactions.
  change.events.pop_back();
  commit_or_fail(*second, change);
  commit_or_fail(*second, change);
  auto const chain = value_of(first->history({}));
  CHECK(chain == value_of(second->history({})));
  CHECK(chain.at(0).hash != chain.at(1).hash);
}

}  // namespace rekeyd::storage::test
