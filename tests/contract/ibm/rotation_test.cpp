#include "tests/contract/ibm/ibm_world.hpp"
#include "tests/simulator/crypto.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace rekeyd::sim::ibm;
using namespace rekeyd::sim;
using std::chrono::hours;
using std::chrono::seconds;

namespace {
std::string const rotate_path = std::string("/keys/") + root + "/actions/rotate";
std::string one_key(std::string const& fields) {
  return fmt::format("[{{ name: payments, id: {}, {} }}]", root, fields);
}
}  // namespace

TEST_CASE("A rotate makes one new version at once, whichever way its empty body is written") {
  auto const path = GENERATE(std::string("/actions/rotate"), std::string("?action=rotate"));
  auto const body = GENERATE(std::string(""), std::string("{}"), std::string("null"));
  IbmWorld world(one_key("created: 14 months ago"));
  auto const before = world.get(fmt::format("/keys/{}/metadata", root));
  auto const reply = world.post(fmt::format("/keys/{}{}", root, path), body);
  CHECK(reply.status == 204);
  CHECK(reply.text.empty());

  auto const after = world.get(fmt::format("/keys/{}/metadata", root));
  CHECK(after.text_at("/resources/0/keyVersion/id") != before.text_at("/resources/0/keyVersion/id"));
  CHECK(after.text_at("/resources/0/keyVersion/creationDate") == "2026-11-22T02:00:00Z");
  CHECK(after.text_at("/resources/0/lastRotateDate") == "2026-11-22T02:00:00Z");
  CHECK(after.text_at("/resources/0/id") == root);
  CHECK(after.text_at("/resources/0/crn") == before.text_at("/resources/0/crn"));
  CHECK(after.text_at("/resources/0/creationDate") == before.text_at("/resources/0/creationDate"));
  CHECK(world.get(fmt::format("/keys/{}/versions", root)).count() == 2);
}

TEST_CASE("A second rotate within the hour is 409 KEY_ROTATION_NOT_PERMITTED and makes nothing") {
  IbmWorld world(one_key("created: 14 months ago"));
  REQUIRE(world.post(rotate_path).status == 204);
  auto const version = world.current_version(root);
  world.pass(seconds(3599));
  auto const reply = world.post(rotate_path);
  CHECK(reply.status == 409);
  CHECK(reply.code() == "KEY_ROTATION_NOT_PERMITTED");
  CHECK(world.current_version(root) == version);
  world.pass(seconds(1));
  world.as("manager-key");
  CHECK(world.post(rotate_path).status == 204);
  CHECK(world.get(fmt::format("/keys/{}/versions", root)).count() == 3);
}

TEST_CASE("A fresh key may be rotated at once") {
  IbmWorld world;
  CHECK(world.post("/keys/" + world.create_root_key() + "/actions/rotate").status == 204);
}

TEST_CASE("An imported key needs material to rotate, a generated one refuses it") {
  auto const material = R"({"payload":")" + base64(std::string(32, 'm')) + R"("})";
  IbmWorld imported(one_key("imported: true, created: 14 months ago"));
  auto const missing = imported.post(rotate_path);
  CHECK(missing.status == 400);
  CHECK(missing.code() == "KEY_PAYLOAD_REQ_ERR");
  CHECK(missing.text_at("/resources/0/reasons/0/target/name") == "payload");
  CHECK(imported.post(rotate_path, R"({"payload":"AAAA"})").code() == "INVALID_FIELD_ERR");
  CHECK(imported.post(rotate_path, R"({"payload":7})").code() == "BAD_BODY_ERR");
  CHECK(imported.post(rotate_path, material).status == 204);

  IbmWorld generated(one_key("created: 14 months ago"));
  auto const refused = generated.post(rotate_path, material);
  CHECK(refused.status == 400);
  CHECK(refused.code() == "INVALID_QUERY_PARAM_ERR");
  CHECK(refused.text_at("/resources/0/reasons/0/target/name") == "payload");
  CHECK(generated.post(rotate_path, R"({"force":true})").code() == "BAD_BODY_ERR");
  CHECK(generated.post(rotate_path, "{nonsense").code() == "BAD_BODY_ERR");
}

TEST_CASE("A standard, suspended or deleted key does not rotate") {
  auto const [fields, status, code] = GENERATE(
      table<std::string, unsigned, std::string>({{"extractable: true", 400U, "KEY_ROOT_REQ_ERR"},
                                                 {"state: suspended", 409U, "KEY_ACTION_INVALID_STATE_ERR"},
                                                 {"state: destroyed", 410U, "KEY_DELETED_ERR"}}));
  IbmWorld world(one_key(fields));
  auto const reply = world.post(rotate_path);
  CHECK(reply.status == status);
  CHECK(reply.code() == code);
}

TEST_CASE("An expired key rotates at Key Protect and not at HPCS, and stays expired") {
  for (auto const* instance : {kp, dedicated, hpcs}) {
    IbmWorld world;
    world.at_instance(instance);
    auto const made = world.post("/keys", envelope(R"({"name":"short","extractable":false,
                                                       "expirationDate":"2026-11-22T02:10:00Z"})"));
    auto const key = made.text_at("/resources/0/id");
    world.pass(std::chrono::minutes(10));
    CHECK(world.get("/keys/" + key + "/metadata").text_at("/resources/0/state") == "3");
    auto const reply = world.post("/keys/" + key + "/actions/rotate");
    CHECK(reply.status == (instance == hpcs ? 409 : 204));
    CHECK(world.get("/keys/" + key + "/metadata").text_at("/resources/0/state") == "3");
    CHECK(world.post("/keys/" + key + "/actions/wrap").code() == "KEY_ACTION_INVALID_STATE_ERR");
  }
}

TEST_CASE("While HPCS's master key rotates, keys are read but neither made nor rotated") {
  auto world = IbmWorld::from_section(fmt::format(R"(
api_keys: [{{ key: k, service_id: ServiceId-1 }}]
instances:
  - name: h
    id: {}
    flavour: hpcs
    region: us-east
    master_key_rotation_until: in 30 minutes
    keys: [{{ name: payments, id: {} }}]
)",
                                                  hpcs, root));
  world.as("k").at_instance(hpcs);
  CHECK(world.post(rotate_path).status == 503);
  CHECK(world.post("/keys", envelope(R"({"name":"new"})")).status == 503);
  CHECK(world.get("/keys").count() == 1);
  CHECK(world.get(fmt::format("/keys/{}/versions", root)).count() == 1);
  world.pass(std::chrono::minutes(30));
  CHECK(world.post(rotate_path).status == 204);
}

TEST_CASE("The service rotates by its own policy within a day after 30 days a month") {
  IbmWorld world(one_key("created: 10 days ago, rotation_policy: { interval_month: 1 }"));
  auto const first = world.current_version(root);
  world.pass(hours(20 * 24 - 1));
  world.as("manager-key");
  CHECK(world.current_version(root) == first);
  world.pass(hours(25));
  world.as("manager-key");
  auto const second = world.current_version(root);
  CHECK(second != first);
  CHECK(world.current_version(root) == second);

  // A rotation by hand starts the clock again.
  world.pass(hours(20 * 24));
  world.as("manager-key");
  REQUIRE(world.post(rotate_path).status == 204);
  auto const by_hand = world.current_version(root);
  world.pass(hours(29 * 24));
  world.as("manager-key");
  CHECK(world.current_version(root) == by_hand);
}

TEST_CASE("The state shown to tests tells the policy's rotation as the wire does, without causing it") {
  IbmWorld world(one_key("created: 70 days ago, rotation_policy: { interval_month: 1 }"));
  world.pass(hours(100 * 24));
  auto const shown = world.kms().state(world.now);
  auto const& key = shown.at("instances").at(0).at("keys").at(0);
  CHECK(key.at("versions").as_array().size() == 5);
  world.as("manager-key");
  CHECK(world.current_version(root) == key.at("current_version").as_string());
}
