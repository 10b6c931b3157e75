#include "tests/contract/ibm/ibm_world.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <map>

using namespace rekeyd::sim::ibm;
using namespace rekeyd::sim;

namespace {

std::string instance_with(std::string const& fields) {
  return fmt::format("instances: [{{ name: kp, id: {}, region: us-south, {} }}]", kp, fields);
}
std::string key_with(std::string const& fields) {
  return instance_with("flavour: key-protect, envelope_provider: p, keys: [{ " + fields + " }]");
}

/// The one mistake's field and message.
void check_mistake(std::string const& yaml, std::string const& field, std::string const& part) {
  INFO(yaml);
  auto const mistakes = mistakes_of(yaml);
  REQUIRE(mistakes.size() == 1);
  CHECK(mistakes.front().field == field);
  INFO(mistakes.front().message);
  CHECK(mistakes.front().message.find(part) != std::string::npos);
}

}  // namespace

TEST_CASE("A key's past is as the world file tells it") {
  IbmWorld world(
      fmt::format("[{{ name: aged, id: {}, created: 14 months ago, versions: 3, every: 4 months, tags: "
                  "[pci], description: old, "
                  "expires: in 2 years }}]",
                  root));
  auto const key = world.get(std::string("/keys/") + root + "/metadata");
  CHECK(key.text_at("/resources/0/creationDate") == "2025-09-22T02:00:00Z");
  CHECK(key.text_at("/resources/0/lastRotateDate") == "2026-05-22T02:00:00Z");
  CHECK(key.text_at("/resources/0/keyVersion/creationDate") == "2026-05-22T02:00:00Z");
  CHECK(key.text_at("/resources/0/expirationDate") == "2028-11-22T02:00:00Z");
  CHECK(key.text_at("/resources/0/tags") == R"(["pci"])");
  CHECK(world.get(std::string("/keys/") + root + "/versions").text_at("/resources/1/creationDate") ==
        "2026-01-22T02:00:00Z");
}

TEST_CASE("A count makes numbered keys, each with its own registrations and DEKs") {
  IbmWorld world(
      "[{ name: many, count: 3, created: 1 month ago, deks: 2, registrations: [{ crn: "
      "'crn:v1:bluemix:public:is:us-south-1:a/1::volume:v{n}' }] }]");
  CHECK(world.get("/keys?search=many-3").count() == 1);
  CHECK(
      world
          .get(
              "/keys/"
              "registrations?urlEncodedResourceCRNQuery=crn%3Av1%3Abluemix%3Apublic%3Ais%3Aus-south-1%3Aa%2F1"
              "%3A%3Avolume%3Av2")
          .count() == 1);
  CHECK(world.kms().seed_deks().size() == 6);
}

TEST_CASE("The same seed gives the same world") {
  IbmWorld one("[{ name: many, count: 3 }]");
  IbmWorld two("[{ name: many, count: 3 }]");
  CHECK(one.get("/keys").text == two.get("/keys").text);
}

TEST_CASE("The state for tests lists keys, versions and registrations without material") {
  IbmWorld world(
      fmt::format("[{{ name: payments, id: {}, created: 1 year ago, versions: 2, registrations: [{{ crn: "
                  "'crn:v1:bluemix:public:is:us-south-1:a/1::volume:v', profile: slow }}] }}]",
                  root));
  auto const state = world.kms().state(world.now);
  REQUIRE(state.at("instances").as_array().size() == 3);
  auto const& instance = state.at("instances").at(0);
  CHECK(instance.at("name").as_string() == "kp-main");
  CHECK(instance.at("flavour").as_string() == "key-protect");
  CHECK(instance.at("provider").as_string() == "ibm-prod");
  auto const& key = instance.at("keys").at(0);
  CHECK(key.at("id").as_string() == root);
  CHECK(key.at("versions").as_array().size() == 2);
  CHECK(key.at("current_version").as_string() == world.current_version(root));
  CHECK(key.at("registrations").at(0).at("profile").as_string() == "slow");
  CHECK_FALSE(key.as_object().contains("material"));
}

TEST_CASE("Every mistake in the section is told with its place") {
  check_mistake("nonsense: 1", "ibm.nonsense", "");
  check_mistake("token_lifetime_s: soon", "ibm.token_lifetime_s", "soon");
  check_mistake("api_keys: [{ key: k }]", "ibm.api_keys[0].service_id", "missing");
  check_mistake("api_keys: [{ key: k, service_id: s, role: Owner }]", "ibm.api_keys[0].role", "Owner");
  check_mistake("instances: [{ name: kp, id: seven, region: r, flavour: hpcs }]", "ibm.instances[0].id",
                "UUID");
  check_mistake(instance_with("flavour: vault"), "ibm.instances[0].flavour", "vault");
  check_mistake(instance_with("flavour: key-protect, port: 8601"), "ibm.instances[0].port", "HPCS");
  check_mistake(instance_with("flavour: key-protect, initialised: false"), "ibm.instances[0].initialised",
                "Dedicated");
  check_mistake(instance_with("flavour: hpcs, rate: { per_second: 0 }"), "ibm.instances[0].rate.per_second",
                "0");
  check_mistake(instance_with("flavour: hpcs, oddities: { dates: roman }"), "ibm.instances[0].oddities.dates",
                "roman");
  check_mistake(key_with("name: kk, created: tomorrow"), "ibm.instances[0].keys[0].created", "moment");
  check_mistake(key_with("name: kk, versions: 0"), "ibm.instances[0].keys[0].versions", "0");
  check_mistake(key_with("name: kk, created: 1 month ago, versions: 3, every: 1 month"),
                "ibm.instances[0].keys[0].versions", "future");
  check_mistake(key_with("name: kk, created: 1 month ago, every: often"), "ibm.instances[0].keys[0].every",
                "length");
  check_mistake(key_with("name: kk, id: x"), "ibm.instances[0].keys[0].id", "UUID");
  check_mistake(key_with("name: k"), "ibm.instances[0].keys[0].name", "90");
  check_mistake(key_with("name: kk, ring: team"), "ibm.instances[0].keys[0].ring", "team");
  check_mistake(key_with("name: kk, state: asleep"), "ibm.instances[0].keys[0].state", "asleep");
  check_mistake(key_with("name: kk, deleted: 1 day ago"), "ibm.instances[0].keys[0].deleted", "destroyed");
  check_mistake(key_with("name: kk, extractable: true, deks: 2"), "ibm.instances[0].keys[0].deks",
                "standard");
  check_mistake(key_with("name: kk, imported: true, rotation_policy: { interval_month: 3 }"),
                "ibm.instances[0].keys[0].rotation_policy", "generated");
  check_mistake(key_with("name: kk, registrations: [{ crn: c, profile: lazy }]"),
                "ibm.instances[0].keys[0].registrations[0].profile", "lazy");
  check_mistake(instance_with("flavour: hpcs, keys: [{ name: kk, deks: 1 }]"),
                "ibm.instances[0].keys[0].deks", "envelope_provider");
  check_mistake(fmt::format("instances: [{{ name: a, id: {0}, region: r, flavour: hpcs }}, "
                            "{{ name: b, id: {0}, region: r, flavour: hpcs }}]",
                            kp),
                "ibm.instances[1].id", "another");
}

TEST_CASE("All mistakes are told at once") {
  CHECK(mistakes_of("{ nonsense: 1, token_lifetime_s: soon, api_keys: [{}] }").size() == 4);
}

TEST_CASE("The demo's IBM section is a world without mistakes, with DEKs and overdue keys in every flavour") {
  auto const file = std::string(REKEYD_SOURCE_DIR) + "/tests/simulator/worlds/demo.yaml";
  auto world = IbmWorld::from_section(YAML::Dump(YAML::LoadFile(file)["ibm"]));
  auto const state = world.kms().state(world.now);
  CHECK(state.at("instances").as_array().size() == 3);
  for (auto const& dek : world.kms().seed_deks())
    CHECK(world.kms().unwrap_check(dek.envelope) == dek.dek_sha256);
  for (auto const* api_key : {"demo-ibm-prod", "demo-ibm-dedicated", "demo-ibm-hpcs"}) world.as(api_key);
  std::map<std::string, std::string> const hosts{
      {kp, "us-south.kms.localhost"},
      {dedicated, std::string(dedicated) + ".kms-dedicated.localhost"},
      {hpcs, std::string(hpcs) + ".hs-crypto.localhost"}};
  for (auto const& [instance, host] : hosts) {
    auto const overdue = world.at_instance(instance).under_host(host).get(
        "/keys?filter=creationDate%3Dlt%3A%222026-07-22T00%3A00%3A00Z%22%20extractable%3Dfalse%20state%3D1");
    CHECK(overdue.count() >= 1);
  }
}
