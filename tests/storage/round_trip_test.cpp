#include "tests/storage/samples.hpp"
#include "tests/storage/scratch.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <string>
#include <utility>

namespace rekeyd::storage::test {

namespace {

/// What the store should hold after a run of changes.
struct Model {
  std::map<KeyRef, StoredKey> keys;
  std::map<KeyRef, std::map<std::string, StoredVersion>> versions;
  std::map<KeyRef, std::map<std::string, Registration>> registrations;
  std::map<std::string, Rotation> rotations;
  std::vector<HistoryEvent> events;

  void apply(Change const& change) {
    for (StoredKey const& stored : change.keys) keys[stored.key.ref] = stored;
    for (StoredVersion const& stored : change.versions) apply(stored);
    for (Registration const& gone : change.registrations_gone) {
      registrations[gone.key].erase(gone.resource.str());
    }
    for (Registration const& one : change.registrations) registrations[one.key][one.resource.str()] = one;
    for (Rotation const& rotation : change.rotations) rotations[rotation.id.str()] = rotation;
    events.insert(events.end(), change.events.begin(), change.events.end());
  }

  void apply(StoredVersion const& stored) {
    auto const [there, added] = versions[stored.key].try_emplace(stored.version.id.str(), stored);
    if (added) return;
    there->second.version = stored.version;
    if (stored.made_by != MadeBy::unknown) there->second.made_by = stored.made_by;
    if (stored.rotation) there->second.rotation = stored.rotation;
  }
};

KeyRef draw_key(Dice& dice) {
  return {ProviderName(dice.word("p", 2)), VaultName(dice.word("v", 2)), KeyId(dice.word("k", 3))};
}

Change draw_change(Dice& dice) {
  Change change;
  for (int i = 0; i < 3; ++i) {
    KeyRef const ref = draw_key(dice);
    change.keys.push_back(dice.key(ref));
    change.rotations.push_back(dice.rotation(ref, dice.word("r", 20)));
    StoredVersion version;
    version.key = ref;
    version.version = dice.version(dice.word("v", 4));
    version.made_by = static_cast<MadeBy>(dice.below(4));
    version.rotation = dice.maybe([&] { return change.rotations.back().id; });
    change.versions.push_back(version);
    change.registrations.push_back(dice.registration(ref, dice.word("res", 4)));
    if (dice.flip()) change.registrations_gone.push_back(dice.registration(ref, dice.word("res", 4)));
    change.events.push_back(dice.event(ref));
  }
  return change;
}

void check_key(Store& store, Model& model, KeyRef const& ref) {
  std::vector<KeyVersion> versions;
  for (auto const& [id, stored] : model.versions[ref]) versions.push_back(stored.version);
  sort_by_creation(versions);
  StoredKey expected = model.keys[ref];
  expected.versions = versions;
  CHECK(store.key(ref).value() == expected);
  auto const stored_versions = store.versions(ref).value();
  for (StoredVersion const& stored : stored_versions) {
    CHECK(stored == model.versions[ref].at(stored.version.id.str()));
  }
  auto const registrations = store.registrations(ref).value();
  CHECK(registrations.size() == model.registrations[ref].size());
  for (Registration const& one : registrations) CHECK(one == model.registrations[ref].at(one.resource.str()));
}

}  // namespace

TEST_CASE("whatever is committed reads back equal", "[property]") {
  auto const seed = GENERATE(range(1u, 21u));
  INFO("seed " << seed);
  Dice dice(seed);
  Scratch scratch;
  Model model;
  auto store = open_or_fail(scratch.database());
  for (int round = 0; round < 12; ++round) {
    Change const change = draw_change(dice);
    model.apply(change);
    commit_or_fail(*store, change);
    if (dice.below(4) == 0) {
      store.reset();
      store = open_or_fail(scratch.database());
    }
  }
  auto const keys = store->keys().value();
  REQUIRE(keys.size() == model.keys.size());
  for (StoredKey const& stored : keys) {
    CHECK(store->key(stored.key.ref).value() == stored);
    check_key(*store, model, stored.key.ref);
  }
  for (auto const& [id, rotation] : model.rotations)
    CHECK(store->rotation(RotationId(id)).value() == rotation);
  auto const events = store->history({}).value();
  REQUIRE(events.size() == model.events.size());
  for (std::size_t i = 0; i < events.size(); ++i) CHECK(events[i].event == model.events[i]);
}

}  // namespace rekeyd::storage::test
