#include "tests/simulator/ibm/services.hpp"

#include "tests/simulator/ibm/iam.hpp"
#include "tests/simulator/ibm/instance_identity.hpp"
#include "tests/simulator/ibm/key_protect.hpp"
#include "tests/simulator/ibm/world_section.hpp"
#include "tests/simulator/mistakes.hpp"
#include "tests/simulator/randomness.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <set>

namespace rekeyd::sim::ibm {

namespace {

constexpr std::size_t key_bytes = 32;
constexpr auto maker = "IBMid-seed";

std::string numbered(std::string text, std::string_view number) {
  constexpr std::string_view mark = "{n}";
  for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark, at)) {
    text.replace(at, mark.size(), number);
  }
  return text;
}

std::string name_of(KeySeed const& seed, std::string const& number) {
  auto name = numbered(seed.name, number);
  if (seed.count > 1 && name == seed.name) name += '-' + number;
  return name;
}

void give_versions(Key& key, KeySeed const& seed, Oddities const& oddities, Randomness& random) {
  for (auto const made : seed.versions) {
    bool const is_first = key.versions.empty();
    auto id = is_first && oddities.first_version_is_key_id ? key.id : random.uuid();
    key.versions.push_back({std::move(id), made, random.bytes(key_bytes), made});
  }
  if (seed.versions.size() > 1) key.last_rotated = seed.versions.back();
}

void give_registrations(Key& key, KeySeed const& seed, std::string_view number) {
  for (auto const& wanted : seed.registrations) {
    Registration registration;
    registration.resource_crn = numbered(wanted.crn, number);
    registration.description = wanted.description;
    registration.created_by = service_identity(registration.resource_crn);
    registration.created = seed.versions.front();
    registration.last_updated = seed.versions.back();
    registration.prevents_deletion = wanted.prevents_deletion;
    registration.profile = wanted.profile;
    registration.version_id = key.newest().id;
    key.registrations.push_back(std::move(registration));
  }
}

void give_state(Key& key, KeySeed const& seed) {
  key.state = seed.state;
  if (seed.state == KeyState::suspended) key.suspended_at = key.last_updated;
  if (seed.state == KeyState::destroyed) key.deleted = Stamp{maker, *seed.deleted};
}

Key make_key(KeySeed const& seed, unsigned number, Oddities const& oddities, Randomness& random) {
  auto const text = std::to_string(number);
  Key key{.id = seed.id.empty() ? random.uuid() : seed.id, .name = name_of(seed, text)};
  key.description = seed.description;
  key.tags = seed.tags;
  key.aliases = seed.aliases;
  key.ring = seed.ring;
  key.extractable = seed.extractable;
  key.imported = seed.imported;
  key.created = Stamp{maker, seed.versions.front()};
  key.seen_from = seed.versions.front();
  key.last_updated = seed.versions.back();
  key.expires = seed.expires;
  key.rotation_policy = seed.rotation_policy;
  if (key.rotation_policy) key.rotation_policy->id = random.uuid();
  if (key.extractable) {
    key.payload = random.bytes(key_bytes);
  } else {
    give_versions(key, seed, oddities, random);
    give_registrations(key, seed, text);
  }
  give_state(key, seed);
  return key;
}

void fill(KeyProtect& service, InstanceSeed const& seed, SeedContext& context) {
  auto& instance = service.add(Instance(seed.settings, context.random, context.now));
  for (auto const& ring : seed.key_rings) instance.key_rings.emplace(ring, Stamp{maker, context.now});
  for (auto const& key_seed : seed.keys) {
    for (unsigned number = 1; number <= key_seed.count; ++number) {
      auto const& key = instance.add(make_key(key_seed, number, seed.settings.oddities, context.random));
      if (key_seed.deks > 0) service.order_deks({seed.settings.id, key.id, key_seed.deks, key_seed.aad});
    }
  }
}

}  // namespace

std::vector<std::unique_ptr<Service>> make_services(YAML::Node const& ibm, SeedContext& context) {
  auto const world = read_world_section(ibm, context.now, context.mistakes);
  std::vector<std::unique_ptr<Service>> services;
  if (!context.mistakes.empty()) return services;
  auto tokens = std::make_shared<TokenAuthority>(world.token_lifetime, context.random);
  for (auto const& api_key : world.api_keys) tokens->add_api_key(api_key.key, api_key.identity);
  std::set<std::string> regions;
  auto keys = std::make_unique<KeyProtect>(tokens, context.random);
  for (auto const& seed : world.instances) {
    regions.insert(seed.settings.region);
    fill(*keys, seed, context);
  }
  std::vector<std::string> const names(regions.begin(), regions.end());
  for (auto const& profile : world.profiles) tokens->add_profile(profile.id, profile.identity);
  services.push_back(std::make_unique<Iam>(tokens, world.profiles, names, context.random));
  if (std::ranges::any_of(world.profiles, &TrustedProfile::instance)) {
    services.push_back(std::make_unique<InstanceIdentity>(tokens, world.profiles, context.random));
  }
  services.push_back(std::move(keys));
  return services;
}

}  // namespace rekeyd::sim::ibm
