#include "tests/simulation/truth.hpp"

#include "tests/simulator/message.hpp"

#include <boost/json.hpp>

#include <algorithm>

namespace rekeyd::simulation {

namespace json = boost::json;

namespace {

using Keys = std::map<std::string, TrueKey>;

std::string text(json::value const& value) { return std::string(value.as_string()); }

std::vector<TrueVersion> versions_of(json::object const& key) {
  std::vector<TrueVersion> versions;
  for (json::value const& shown : key.at("versions").as_array()) {
    json::object const& of = shown.as_object();
    TrueVersion version;
    version.id = text(of.at("id"));
    version.created = parse_rfc3339(of.at("created").as_string()).value();
    if (auto const* enabled = of.if_contains("enabled")) version.enabled = enabled->as_bool();
    auto const place = std::ranges::upper_bound(versions, version.created, {}, &TrueVersion::created);
    versions.insert(place, std::move(version));
  }
  return versions;
}

void read_vault(json::object const& vault, Keys& keys) {
  std::string const prefix = text(vault.at("provider")) + "/" + text(vault.at("vault")) + "/";
  for (auto const& [name, shown] : vault.at("keys").as_object()) {
    json::object const& of = shown.as_object();
    TrueKey key;
    key.versions = versions_of(of);
    key.current = text(of.at("current"));
    key.usable = !of.at("deleted").as_bool() && key.versions.back().enabled;
    key.root = !of.at("managed").as_bool();
    keys[prefix + sim::lower(name)] = std::move(key);
  }
}

void read_instances(json::array const& instances, Keys& keys) {
  for (json::value const& instance : instances) {
    json::object const& in = instance.as_object();
    std::string const prefix = text(in.at("provider")) + "/" + text(in.at("name")) + "/";
    for (json::value const& shown : in.at("keys").as_array()) {
      json::object const& of = shown.as_object();
      if (text(of.at("kind")) != "root") continue;
      TrueKey key;
      key.versions = versions_of(of);
      key.current = text(of.at("current_version"));
      key.usable = of.at("state").as_int64() == 1;
      for (json::value const& each : of.at("registrations").as_array()) {
        json::object const& tie = each.as_object();
        key.registrations[text(tie.at("crn"))] = {text(tie.at("version")),
                                                  tie.at("prevents_deletion").as_bool()};
      }
      keys[prefix + text(of.at("id"))] = std::move(key);
    }
  }
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
  json::value const state = cloud_.state(now);
  for (json::value const& service : state.as_object().at("services").as_array()) {
    if (!service.is_object()) continue;
    json::object const& of = service.as_object();
    if (of.contains("vault")) read_vault(of, seen);
    if (auto const* instances = of.if_contains("instances")) read_instances(instances->as_array(), seen);
  }
  std::vector<NewVersion> fresh;
  for (auto& [ref, key] : seen) {
    for (TrueVersion& version : key.versions) {
      if (TrueVersion const* known = find(ref, version.id)) {
        version.maker = known->maker;
        version.rotation = known->rotation;
        continue;
      }
      version.maker = maker;
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

}  // namespace rekeyd::simulation
