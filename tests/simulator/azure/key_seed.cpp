#include "tests/simulator/azure/key_seed.hpp"

#include "tests/simulator/azure/key_request.hpp"
#include "tests/simulator/azure/numbered.hpp"
#include "tests/simulator/past.hpp"
#include "tests/simulator/randomness.hpp"
#include "tests/simulator/rsa_pool.hpp"
#include "tests/simulator/section.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace rekeyd::sim::azure {

namespace json = boost::json;

namespace {

/// What all keys of an entry have in common.
struct KeyPlan {
  KeyVersion version;            ///< Without id, material and times.
  std::vector<Instant> created;  ///< Of each version, oldest first.
  bool latest_enabled{true};
  std::optional<RotationPolicy> policy;
  bool managed{false};
  unsigned deks{0};
};

KeyShape read_shape(Section& section, VaultKind kind) {
  std::string const kty = section.text("kty", kind == VaultKind::managed_hsm ? "RSA-HSM" : "RSA");
  auto shape = shape_from_kty(kty);
  if (!shape || !takes(kind, *shape)) {
    section.mistake("kty", fmt::format("'{}' is not a key type of this kind of vault", kty));
    return {};
  }
  shape->bits = static_cast<unsigned>(section.number("size", 128, 4096, shape->bits));
  shape->curve = section.text("crv", shape->curve);
  if (!is_known_size(*shape))
    section.mistake(shape->type == KeyType::ec ? "crv" : "size", "no such size or curve");
  return *shape;
}

std::optional<Instant> read_moment(Section& section, char const* name, Instant now) {
  if (!section.has(name)) return std::nullopt;
  auto const moment = parse_moment(section.text(name), now);
  if (!moment) {
    section.mistake(name,
                    "a moment was expected: 'now', '14 months ago', 'in 3 days', '2026-01-31T00:00:00Z'");
  }
  return moment;
}

std::vector<Instant> read_times(Section& section, Instant now) {
  auto const created = read_moment(section, "created", now).value_or(now);
  auto const versions = static_cast<unsigned>(section.number("versions", 1, 10'000, 1));
  std::optional<Span> every;
  if (section.has("every")) {
    every = parse_span(section.text("every"));
    if (!every) section.mistake("every", "a stretch of time was expected: '4 months', '30 days'");
  }
  auto const times = version_times(created, versions, every, now);
  if (times) return *times;
  section.mistake("created", "a version would be made in the future");
  return {now};
}

json::object policy_body(Section& section) {
  json::object body;
  json::object trigger;
  for (auto const& [field, member] : {std::pair{"rotate_after_create", "timeAfterCreate"},
                                      std::pair{"rotate_before_expiry", "timeBeforeExpiry"}}) {
    if (section.has(field)) trigger[member] = section.text(field);
  }
  if (!trigger.empty()) {
    json::object const rotate{{"trigger", trigger}, {"action", {{"type", "Rotate"}}}};
    body["lifetimeActions"] = json::array{rotate};
  }
  if (section.has("expiry_time")) body["attributes"] = {{"expiryTime", section.text("expiry_time")}};
  section.finish();
  return body;
}

/// "none", "neutral" (there, but the service never rotates by it), or a mapping.
std::optional<RotationPolicy> read_policy(Section& section, VaultKind kind, std::optional<Instant> expires,
                                          Instant now) {
  if (!section.has("rotation_policy")) return std::nullopt;
  json::object body{{"attributes", {{"expiryTime", "P10Y"}}}};
  if (section.node("rotation_policy").IsMap()) {
    auto mapping = section.section("rotation_policy");
    body = policy_body(*mapping);
  } else if (section.word("rotation_policy", {"none", "neutral"}) == "none") {
    return std::nullopt;
  }
  auto policy = parse_policy(body, kind, expires, now);
  if (!policy) {
    section.mistake("rotation_policy", policy.error());
    return std::nullopt;
  }
  return *policy;
}

std::string read_release_policy(Section& section) {
  if (!section.has("release_policy")) return {};
  std::string const text = section.text("release_policy");
  json::error_code error;
  json::parse(text, error);
  if (error) section.mistake("release_policy", "JSON text was expected");
  return json::serialize(json::object{
      {"contentType", "application/json; charset=utf-8"}, {"data", base64url(text)}, {"immutable", false}});
}

KeyPlan read_plan(Section& section, VaultKind kind, Instant now) {
  KeyPlan plan;
  plan.version.shape = read_shape(section, kind);
  plan.version.key_ops = section.texts("key_ops");
  if (plan.version.key_ops.empty()) plan.version.key_ops = all_operations(plan.version.shape, kind);
  plan.version.exportable = section.flag("exportable", false);
  plan.version.release_policy = read_release_policy(section);
  if (plan.version.exportable && plan.version.release_policy.empty()) {
    section.mistake("exportable", "an exportable key needs a release_policy");
  }
  if (section.has("tags")) plan.version.tags = section.text_map("tags");
  plan.version.expires = read_moment(section, "expires", now);
  plan.version.not_before = read_moment(section, "not_before", now);
  plan.created = read_times(section, now);
  if (kind == VaultKind::managed_hsm && plan.created.size() > 100)
    section.mistake("versions", "at most 100 here");
  plan.latest_enabled = section.flag("enabled", true);
  plan.managed = section.flag("managed", false);
  plan.policy = read_policy(section, kind, plan.version.expires, now);
  plan.deks = static_cast<unsigned>(section.number("deks", 0, 1'000'000, 0));
  if (plan.deks > 0 && plan.version.shape.type == KeyType::ec)
    section.mistake("deks", "an EC key wraps nothing");
  return plan;
}

Key make_key(std::string name, KeyPlan const& plan, SeedContext& context) {
  Key key{std::move(name), {}, plan.policy, plan.managed, plan.deks, {}, {}};
  for (Instant const created : plan.created) {
    KeyVersion version = plan.version;
    auto const* previous = key.versions.empty() ? nullptr : &key.versions.back().material;
    version.id = context.random.hex(32);
    version.material = make_material(version.shape, context.rsa_keys, context.random, previous);
    version.created = version.updated = version.visible_from = created;
    key.versions.push_back(std::move(version));
  }
  key.versions.back().enabled = plan.latest_enabled;
  return key;
}

}  // namespace

std::vector<Key> read_keys(Section& section, VaultKind kind, SeedContext& context) {
  std::string const name = section.text("name");
  long const count = section.number("count", 1, 1'000'000, 1);
  if (!is_key_name(numbered(name, 1, count))) {
    section.mistake("name", "1 to 127 letters, digits and '-' were expected, {n} standing for a number");
  }
  if (count > 1 && name.find("{n}") == std::string::npos)
    section.mistake("name", "needs {n} when count is given");
  KeyPlan const plan = read_plan(section, kind, context.now);
  section.finish();
  std::vector<Key> keys;
  if (!is_known_size(plan.version.shape)) return keys;
  for (long number = 1; number <= count; ++number) {
    keys.push_back(make_key(numbered(name, number, count), plan, context));
  }
  return keys;
}

}  // namespace rekeyd::sim::azure
