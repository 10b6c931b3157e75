#include "tests/simulator/ibm/key.hpp"

#include "tests/simulator/randomness.hpp"

#include <algorithm>
#include <string_view>

namespace rekeyd::sim::ibm {

namespace {

// FNV-1a: the same on every library, unlike std::hash.
std::uint64_t stable_hash(std::string_view text) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (char const letter : text) hash = (hash ^ static_cast<unsigned char>(letter)) * 1099511628211ULL;
  return hash;
}

constexpr std::size_t generated_key_bytes = 32;

// Chance of their own, from key and moment: whether a copy or the key itself is brought up to date, and when,
// the versions are the same.
void rotate_by_policy(Key& key, Instant now) {
  for (auto due = next_policy_rotation(key); due && *due <= now; due = next_policy_rotation(key)) {
    if (key.expires && *key.expires <= *due) return;
    Randomness random(stable_hash(key.id) + static_cast<std::uint64_t>(due->time_since_epoch().count()));
    add_version(key, random.bytes(generated_key_bytes), *due, {}, random);
  }
}

}  // namespace

KeyVersion const* Key::version(std::string_view version_id) const {
  auto const found = std::ranges::find(versions, version_id, &KeyVersion::id);
  return found == versions.end() ? nullptr : &*found;
}

std::size_t Key::versions_seen(Instant now) const {
  auto seen = versions.size();
  while (seen > 1 && versions[seen - 1].seen_from > now) --seen;
  return seen;
}

void note_lifecycle(Key& key, Instant now) {
  key.last_updated = now;
  key.last_notified = now;
}

void add_version(Key& key, std::string material, Instant now, std::chrono::seconds lag, Randomness& random) {
  key.versions.push_back({random.uuid(), now, std::move(material), now + lag});
  key.last_rotated = now;
  note_lifecycle(key, now);
  for (auto& registration : key.registrations) {
    notify(registration, Notice::rotate, key.newest().id, now, random);
  }
}

std::optional<Instant> next_policy_rotation(Key const& key) {
  auto const& policy = key.rotation_policy;
  if (!policy || !policy->enabled || !policy->interval_month) return std::nullopt;
  if (key.imported || key.extractable || key.state != KeyState::active) return std::nullopt;
  auto due = key.last_rotated.value_or(key.created.at) + policy_month * *policy->interval_month;
  // A policy put on a key that is overdue acts from now on, not in the past.
  due = std::max(due, policy->updated.at);
  auto const within = stable_hash(key.id) ^ static_cast<std::uint64_t>(due.time_since_epoch().count());
  return due + std::chrono::seconds(within % 86400);
}

void settle(Key& key, Instant now) {
  rotate_by_policy(key, now);
  for (auto& registration : key.registrations) settle(registration, now);
  if (key.expires && *key.expires <= now && key.state == KeyState::active) {
    key.state = KeyState::deactivated;
    key.last_updated = *key.expires;
  }
  auto& dual = key.dual_auth;
  if (dual && dual->set_for_deletion && dual->set_for_deletion->at + deletion_window <= now) {
    dual->set_for_deletion.reset();
  }
}

std::optional<Instant> purged_at(Key const& key) {
  if (!key.deleted) return std::nullopt;
  return key.deleted->at + purge_limit;
}

}  // namespace rekeyd::sim::ibm
