#include "tests/simulation/scene.hpp"

#include "tests/simulation/calendar_oracle.hpp"

#include <algorithm>
#include <utility>

namespace rekeyd::simulation {

std::optional<AppliedPolicy> Scene::policy_of(RootKey const& key) const {
  PolicyMatch const match = match_policy(policies->policies, key);
  auto const* applied = std::get_if<AppliedPolicy>(&match);
  return applied == nullptr ? std::nullopt : std::optional(*applied);
}

Rotation const* Scene::open_rotation(std::string const& key) const {
  auto const found = on_record.open_of.find(key);
  if (found == on_record.open_of.end() || found->second.empty()) return nullptr;
  return &on_record.rotations.at(*found->second.begin());
}

void Scene::address(Letter& letter) const {
  if (!AddressBook::makes_version(letter.request)) return;
  auto const created = addresses.creates(letter.request);
  letter.key = addresses.key_of(letter.request).value_or(created.value_or(""));
  if (Rotation const* open = open_rotation(letter.key)) letter.rotation = open->id.str();
  if (!letter.rotation.empty() || !created) return;
  for (auto const& [key, ids] : on_record.open_of) {
    for (std::string const& id : ids) {
      auto const& wanted = on_record.rotations.at(id).wanted;
      if (wanted && wanted->text() == *created) letter.rotation = id;
    }
  }
}

std::optional<Instant> Scene::due(std::string const& key, std::string const& up_to,
                                  AppliedPolicy const& applied) const {
  TrueKey const* const of = truth.find(key);
  if (of == nullptr) return std::nullopt;
  std::vector<Instant> created;
  bool found = false;
  for (TrueVersion const& version : of->versions) {
    created.push_back(version.created);
    found = version.id == up_to;
    if (found) break;
  }
  if (!found) return std::nullopt;
  return calendar_due(created, applied.every.count(), applied.policy->zone);
}

std::int64_t Scene::events_at_risk() const {
  std::int64_t events = 0;
  for (storage::Change const& change : at_risk) events += static_cast<std::int64_t>(change.events.size());
  return events;
}

void Scene::examine_database(std::string const& vfs) {
  database = storage::verify(settings.database, {.vfs = vfs});
  auto last = std::exchange(uncertain, std::nullopt);
  if (!database) return;
  if (last && !last->events.empty()) at_risk.push_back(*std::move(last));
  while (!at_risk.empty() && events_durable + events_at_risk() > database->events) at_risk.pop_back();
}

void Scene::note(storage::Change const& change) {
  for (storage::StoredKey const& stored : change.keys) {
    std::string const key = stored.key.ref.text();
    on_record.keys[key] = stored.key;
    if (stored.replaced) on_record.replaced.insert(key);
    if (!stored.replaced) on_record.replaced.erase(key);
  }
  for (Rotation const& rotation : change.rotations) {
    bool const ended = rotation.state == RotationState::done || rotation.state == RotationState::abandoned;
    auto& open = on_record.open_of[rotation.key.text()];
    if (ended) {
      open.erase(rotation.id.str());
    } else {
      open.insert(rotation.id.str());
    }
    on_record.rotations[rotation.id.str()] = rotation;
  }
  for (storage::StepRecord const& step : change.steps) {
    auto const rotation = on_record.rotations.find(step.rotation.str());
    if (rotation == on_record.rotations.end()) continue;
    std::string const key = rotation->second.key.text();
    if (step.ended_at) {
      on_record.intended[key].erase(step.rotation.str());
    }
  }
  for (storage::StepRecord const& step : change.steps) {
    auto const rotation = on_record.rotations.find(step.rotation.str());
    if (rotation == on_record.rotations.end() || step.ended_at) continue;
    on_record.intended[rotation->second.key.text()].insert(step.rotation.str());
  }
  std::erase_if(on_record.intended, [](auto const& entry) { return entry.second.empty(); });
}

}  // namespace rekeyd::simulation
