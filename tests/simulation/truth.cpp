#include "tests/simulation/truth.hpp"

#include <algorithm>
#include <utility>

namespace rekeyd::simulation {

namespace {

using Keys = std::map<std::string, TrueKey>;

TrueKey true_key(sim::KeyTruth&& shown) {
  TrueKey key;
  for (sim::KeyTruth::Version& of : shown.versions) {
    TrueVersion version;
    version.id = std::move(of.id);
    version.created = of.created;
    version.enabled = of.enabled;
    auto const place = std::ranges::upper_bound(key.versions, version.created, {}, &TrueVersion::created);
    key.versions.insert(place, std::move(version));
  }
  for (sim::KeyTruth::Registration& tie : shown.registrations)
    key.registrations[std::move(tie.resource)] = {std::move(tie.version), tie.prevents_deletion};
  key.current = std::move(shown.current);
  key.usable = shown.usable;
  key.root = shown.root;
  return key;
}

}  // namespace

char const* to_text(Maker maker) {
  switch (maker) {
    case Maker::beginning:
      return "the beginning";
    case Maker::daemon:
      return "the daemon";
    case Maker::person:
      return "a person";
    case Maker::provider:
      return "the provider";
  }
  return "?";
}

std::vector<Truth::NewVersion> Truth::look(Instant now, Maker maker, std::string const& rotation) {
  Keys seen;
  for (sim::KeyTruth& shown : cloud_.keys_as_they_are(now)) {
    std::string reference = std::move(shown.reference);
    seen[std::move(reference)] = true_key(std::move(shown));
  }
  std::vector<NewVersion> fresh;
  for (auto& [ref, key] : seen) {
    for (TrueVersion& version : key.versions) {
      if (TrueVersion const* known = find(ref, version.id)) {
        version.maker = known->maker;
        version.rotation = known->rotation;
        continue;
      }
      // What a daemon or a person asks for is made at that moment; an older one was made up for whoever
      // looked.
      bool const before = maker != Maker::beginning && version.created < now;
      version.maker = before ? Maker::provider : maker;
      version.rotation = rotation;
      fresh.push_back({ref, version});
    }
  }
  keys_ = std::move(seen);
  return fresh;
}

TrueKey const* Truth::find(std::string const& key) const {
  auto const found = keys_.find(key);
  return found == keys_.end() ? nullptr : &found->second;
}

TrueVersion const* Truth::find(std::string const& key, std::string const& version) const {
  TrueKey const* of = find(key);
  if (of == nullptr) return nullptr;
  auto const found = std::ranges::find(of->versions, version, &TrueVersion::id);
  return found == of->versions.end() ? nullptr : &*found;
}

sim::ResourceTruth Truth::resources(Instant now) const { return cloud_.resources_as_they_are(now); }

}  // namespace rekeyd::simulation
