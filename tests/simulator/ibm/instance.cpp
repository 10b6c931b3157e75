#include "tests/simulator/ibm/instance.hpp"

#include <fmt/format.h>

namespace rekeyd::sim::ibm {

namespace {

bool is_purged(Key const& key, Instant now) {
  auto const moment = purged_at(key);
  return moment && *moment <= now;
}

}  // namespace

Instance::Instance(Settings settings, Randomness& random, Instant now)
    : settings_(std::move(settings)), random_(random) {
  key_rings.emplace("default", Stamp{"kms", now});
}

std::string Instance::crn(std::string_view kind, std::string_view id) const {
  return fmt::format("crn:v1:bluemix:public:{}:{}:a/{}:{}:{}:{}", flavour().crn_service, settings_.region,
                     settings_.account, settings_.id, kind, id);
}

bool Instance::master_key_rotates(Instant now) const {
  return settings_.master_key_rotation_until && now < *settings_.master_key_rotation_until;
}

Key* Instance::find(std::string_view id_or_alias, Instant now) {
  auto found = keys_.find(id_or_alias);
  if (found == keys_.end()) {
    auto const alias = aliases.find(id_or_alias);
    if (alias == aliases.end()) return nullptr;
    found = keys_.find(alias->second.key_id);
  }
  if (found == keys_.end() || found->second.seen_from > now) return nullptr;
  auto& key = found->second;
  settle(key, now);
  if (is_purged(key, now)) {
    purge(key);
    return nullptr;
  }
  return &key;
}

std::map<std::string, Key, std::less<>>& Instance::keys(Instant now) {
  for (auto at = keys_.begin(); at != keys_.end();) {
    settle(at->second, now);
    if (is_purged(at->second, now)) {
      forget_aliases(at->second);
      at = keys_.erase(at);
    } else {
      ++at;
    }
  }
  return keys_;
}

Key& Instance::add(Key key) {
  for (auto const& alias : key.aliases) aliases.insert_or_assign(alias, Alias{key.id, key.created});
  auto id = key.id;
  return keys_.insert_or_assign(std::move(id), std::move(key)).first->second;
}

void Instance::purge(Key const& key) {
  forget_aliases(key);
  keys_.erase(keys_.find(key.id));
}

void Instance::forget_aliases(Key const& key) {
  for (auto const& alias : key.aliases) aliases.erase(alias);
}

InstancePolicy const* Instance::policy_in_force(std::string_view type) const {
  auto const found = policies.find(type);
  return found == policies.end() || !found->second.enabled ? nullptr : &found->second;
}

}  // namespace rekeyd::sim::ibm
