#include "tests/simulator/world.hpp"

#include "tests/simulator/cloud.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <algorithm>

using namespace rekeyd::sim;

namespace {

rekeyd::Instant now() { return *rekeyd::parse_rfc3339("2026-03-31T10:00:00Z"); }

std::string azure_world(std::string const& keys) {
  return "version: 1\nrsa_pool: { size: 2 }\nazure:\n  tenants: [{ id: t-1, clients: [{ id: c-1, secret: x "
         "}] }]\n"
         "  vaults:\n  - name: kv1\n    tenant: t-1\n    keys:\n" +
         keys;
}

/// The mistakes of a world that must have some, as text.
std::vector<std::string> mistakes(std::string const& yaml) {
  auto const world = make_world(yaml, {now(), 1});
  std::vector<std::string> texts;
  if (world) return texts;
  for (auto const& mistake : world.error()) texts.push_back(to_text("w.yaml", mistake));
  return texts;
}

bool any(std::vector<std::string> const& texts, std::string const& start, std::string const& part) {
  return std::ranges::any_of(texts, [&](std::string const& text) {
    return text.starts_with(start) && text.find(part) != std::string::npos;
  });
}

}  // namespace

TEST_CASE("Versions of the past are spaced by calendar months") {
  auto const world = make_world(
      azure_world("    - { name: k, kty: EC, created: 13 months ago, versions: 4, every: 4 months }\n"),
      {now(), 1});
  REQUIRE(world);
  auto const state = (*world)->state(now());
  auto const& versions = state.at("services").at(0).at("keys").at("k").at("versions").as_array();
  REQUIRE(versions.size() == 4);
  CHECK(versions.at(0).at("created") == "2025-02-28T10:00:00Z");
  CHECK(versions.at(1).at("created") == "2025-06-28T10:00:00Z");
  CHECK(versions.at(3).at("created") == "2026-02-28T10:00:00Z");
}

TEST_CASE("Names with a number are filled to equal length") {
  auto const world = make_world(azure_world("    - { name: 'k-{n}', kty: EC, count: 12 }\n"), {now(), 1});
  REQUIRE(world);
  auto const state = (*world)->state(now());
  auto const& keys = state.at("services").at(0).at("keys").as_object();
  CHECK(keys.size() == 12);
  CHECK(keys.contains("k-01"));
  CHECK(keys.contains("k-12"));
}

TEST_CASE("The same world, moment and seed give the same state and keys") {
  auto const yaml =
      azure_world("    - { name: k, created: 3 months ago, versions: 2 }\n    - { name: e, kty: EC }\n");
  auto const dump = [&yaml](std::uint64_t seed) {
    auto world = make_world(yaml, {now(), seed});
    REQUIRE(world);
    return boost::json::serialize((*world)->state(now()));
  };
  CHECK(dump(5) == dump(5));
  CHECK(dump(5) != dump(6));
}

TEST_CASE("When time is let pass, what has happened happened earlier, and what is promised stays") {
  std::string const yaml =
      azure_world("    - { name: k, kty: EC, created: 2026-01-31T10:00:00Z }\n") +
      "ibm:\n  account: 3f5a0c9e7d1b4826a0e4c7b9d2f61835\n  api_keys: [{ key: x, service_id: ServiceId-1 }]\n"
      "  instances:\n"
      "    - id: 0a0a0a0a-0000-4000-8000-000000000001\n      name: kp\n      flavour: key-protect\n      "
      "region: us-south\n      keys:\n"
      "        - { id: 0b0b0b0b-0000-4000-8000-000000000101, name: crk, created: 2026-01-31T10:00:00Z }\n";
  auto const world = make_world(yaml, {now(), 1});
  if (!world) FAIL(to_text("w.yaml", world.error().front()));
  auto const ask = [&](std::string body) {
    Request request{.method = "POST", .host = std::string(control_host), .target = "/time-passed"};
    request.body = std::move(body);
    return (*world)->handle(request, now()).answer.status;
  };
  CHECK(ask(R"({"seconds": 3600})") == 204);
  CHECK(ask(R"({"seconds": -1})") == 400);
  CHECK(ask("soon") == 400);
  std::string const state = serialize((*world)->state(now()));
  CHECK(state.find("2026-01-31T10:00:00Z") == std::string::npos);
  CHECK(state.find("2026-01-31T09:00:00Z") != state.rfind("2026-01-31T09:00:00Z"));
}

TEST_CASE("All mistakes of a world file are told, with line and field") {
  auto const found = mistakes(
      "version: 1\n"
      "colour: red\n"
      "azure:\n"
      "  tenants: [{ id: t-1, clients: [] }]\n"
      "  vaults:\n"
      "  - { name: kv1, tenant: t-2 }\n"
      "  - name: kv2\n"
      "    tenant: t-1\n"
      "    keys:\n"
      "    - { name: k, kty: oct-HSM }\n"
      "    - { name: k2, kty: EC, created: yesterday }\n"
      "    - { name: k3, kty: EC, versions: two }\n"
      "    - { name: 'k 4', kty: EC }\n"
      "    - { name: k5, kty: EC, versions: 3, every: 1 month }\n"
      "    - { name: k6, kty: EC, deks: 2 }\n"
      "    - { name: k7, kty: EC, colour: red }\n"
      "faults: [{ kind: explode }]\n");
  for (auto const& text : found) UNSCOPED_INFO(text);
  CHECK(any(found, "w.yaml:2:1: colour", "unknown field"));
  CHECK(any(found, "w.yaml:6:26: azure.vaults[0].tenant", "not one of the tenants"));
  CHECK(any(found, "w.yaml:10:23: azure.vaults[1].keys[0].kty", "oct-HSM"));
  CHECK(any(found, "w.yaml:11:", "a moment was expected"));
  CHECK(any(found, "w.yaml:12:", "whole number"));
  CHECK(any(found, "w.yaml:13:", "letters, digits"));
  CHECK(any(found, "w.yaml:14:", "in the future"));
  CHECK(any(found, "w.yaml:15:", "wraps nothing"));
  CHECK(any(found, "w.yaml:16:", "unknown field"));
  CHECK(any(found, "w.yaml:17:", "'explode' is not one of"));
}

TEST_CASE("A file that is no world is refused with its reason") {
  CHECK(any(mistakes("version: 1\nazure: [1, 2"), "w.yaml:", "YAML"));
  CHECK(any(mistakes(""), "w.yaml", "one YAML document"));
  CHECK(any(mistakes("version: 2\n"), "w.yaml:1:10: version", "'2'"));
  CHECK(any(mistakes("version: 1\nversion: 1\n"), "w.yaml:2:1: version", "twice"));
  CHECK(any(mistakes("version: 1\n---\nversion: 1\n"), "w.yaml", "one YAML document"));
  CHECK_FALSE(load_world("/nonexistent/world.yaml", {now(), 1}));
}

TEST_CASE("Two services of one name are a mistake") {
  auto const found = mistakes(
      "version: 1\nazure:\n  tenants: [{ id: t-1, clients: [] }]\n  vaults:\n  - { name: kv1, tenant: t-1 }\n"
      "  - { name: KV1, tenant: t-1 }\n");
  CHECK(any(found, "w.yaml", "two services are named kv1.vault.azure.net"));
}

TEST_CASE("The worlds that are shipped load") {
  auto const file = GENERATE("demo.yaml", "bench.yaml", "confidential.yaml");
  auto const world = load_world(std::string(REKEYD_SOURCE_DIR "/tests/simulator/worlds/") + file, {now(), 1});
  if (!world) {
    for (auto const& mistake : world.error()) UNSCOPED_INFO(to_text(file, mistake));
  }
  CHECK(world);
}
