#include "tests/contract/ibm/ibm_world.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace rekeyd::sim::ibm;
using namespace rekeyd::sim;
using std::chrono::hours;
using std::chrono::seconds;

namespace {

std::string const path = std::string("/keys/") + root;
std::string one_key(std::string const& fields) {
  return fmt::format("[{{ name: payments, id: {}, created: 3 months ago, {} }}]", root, fields);
}
std::string state_of(IbmWorld& world) { return world.get(path + "/metadata").text_at("/resources/0/state"); }

/// Lets time pass and signs in again.
void later(IbmWorld& world, seconds time) {
  world.pass(time);
  world.as("manager-key");
}

}  // namespace

TEST_CASE("Every action is legal in just the states of the table") {
  auto const state = GENERATE(std::string("active"), std::string("suspended"), std::string("deactivated"),
                              std::string("destroyed"));
  bool const active = state == "active";
  bool const suspended = state == "suspended";
  bool const deactivated = state == "deactivated";
  bool const destroyed = state == "destroyed";
  auto const status = [&state](std::string const& action, std::string const& body = "") {
    IbmWorld world(one_key("state: " + state));
    return world.post(path + "/actions/" + action, body).status;
  };
  unsigned const refused = destroyed ? 410 : 409;
  CHECK(status("rotate") == (active || deactivated ? 204 : refused));
  CHECK(status("wrap") == (active ? 200 : refused));
  CHECK(status("disable") == (active ? 204 : refused));
  CHECK(status("enable") == (suspended ? 204 : refused));
  CHECK(status("sync") == 204);
  // The ciphertext is foreign: a legal state shows as 422.
  CHECK(status("unwrap", R"({"ciphertext":"AAAA"})") == (active || deactivated ? 422 : refused));
  CHECK(status("rewrap", R"({"ciphertext":"AAAA"})") == (active || deactivated ? 422 : refused));

  IbmWorld world(one_key("state: " + state));
  CHECK(world.get(path).status == 200);
  CHECK(world.get(path + "/metadata").status == 200);
  CHECK(world.get("/keys").count() == (destroyed ? 0 : 1));
  CHECK(world.remove(path).status == (destroyed ? 410 : 204));
  IbmWorld another(one_key("state: " + state + (destroyed ? ", deleted: 40 days ago" : "")));
  CHECK(another.post(path + "/restore").code() ==
        (destroyed ? "KEY_RESTORE_EXPIRED" : "KEY_ACTION_INVALID_STATE_ERR"));
}

TEST_CASE("A disabled key can be enabled after 30 seconds, and unwraps again") {
  IbmWorld world(one_key("versions: 1"));
  auto const dek = world.wrap(root);
  auto const unwrap = [&] {
    return world.post(path + "/actions/unwrap", R"({"ciphertext":")" + dek.wdek + R"("})");
  };
  REQUIRE(world.post(path + "/actions/disable").status == 204);
  CHECK(state_of(world) == "2");
  CHECK(unwrap().code() == "KEY_ACTION_INVALID_STATE_ERR");
  CHECK(world.post(path + "/actions/disable").code() == "KEY_ACTION_INVALID_STATE_ERR");
  world.pass(seconds(29));
  auto const early = world.post(path + "/actions/enable");
  CHECK(early.status == 409);
  CHECK(early.code() == "REQ_TOO_EARLY_ERR");
  CHECK(early.message().ends_with("2026-11-22T02:00:30Z"));
  world.pass(seconds(1));
  CHECK(world.post(path + "/actions/enable").status == 204);
  CHECK(state_of(world) == "1");
  CHECK(unwrap().text_at("/plaintext") == dek.plaintext);
}

TEST_CASE("disable and enable are for root keys only") {
  IbmWorld world(one_key("extractable: true"));
  CHECK(world.post(path + "/actions/disable").code() == "KEY_ROOT_REQ_ERR");
  CHECK(world.post(path + "?action=enable").code() == "KEY_ROOT_REQ_ERR");
  CHECK(world.post(path + "/actions/sync").code() == "KEY_ROOT_REQ_ERR");
  CHECK(world.post(path + "/actions/wrap").code() == "KEY_ROOT_REQ_ERR");
}

TEST_CASE("A deleted key stays readable, comes back within 30 days and not before 30 seconds") {
  IbmWorld world(one_key("versions: 2"));
  auto const deleted = world.send("DELETE", path, "", {{"Prefer", "return=representation"}});
  REQUIRE(deleted.status == 200);
  auto const& key = deleted.resource();
  CHECK(key.at("deleted").as_bool());
  CHECK(key.at("state").as_int64() == 5);
  CHECK(key.at("deletionDate").as_string() == "2026-11-22T02:00:00Z");
  CHECK(key.at("deletedBy").as_string() == "iam-ServiceId-manager");
  CHECK(key.at("restoreAllowed").as_bool());
  CHECK(key.at("restoreExpirationDate").as_string() == "2026-12-22T02:00:00Z");
  CHECK_FALSE(key.at("purgeAllowed").as_bool());
  CHECK(key.at("purgeAllowedFrom").as_string() == "2026-11-22T06:00:00Z");
  CHECK(key.at("purgeScheduledOn").as_string() == "2027-02-20T02:00:00Z");
  CHECK(world.remove(path).code() == "KEY_DELETED_ERR");

  CHECK(world.post(path + "/restore").code() == "REQ_TOO_EARLY_ERR");
  world.pass(seconds(30));
  auto const restored = world.post(path + "/restore");
  CHECK(restored.status == 201);
  CHECK(restored.text_at("/resources/0/state") == "1");
  CHECK(world.get(path + "/versions").count() == 2);
  CHECK(world.post(path + "/actions/wrap").status == 200);
}

TEST_CASE("Too late or expired, a deleted key does not come back") {
  IbmWorld late(one_key("versions: 1"));
  REQUIRE(late.remove(path).status == 204);
  later(late, hours(30 * 24) + seconds(1));
  CHECK(late.post(path + "/restore").code() == "KEY_RESTORE_EXPIRED");
  IbmWorld expired(one_key("expires: in 1 hour"));
  REQUIRE(expired.remove(path).status == 204);
  later(expired, hours(2));
  CHECK(expired.post("/keys/" + std::string(root) + "?action=restore").code() == "KEY_EXPIRED_ERR");
}

TEST_CASE("A purge comes four hours after the deletion, or by itself after 90 days") {
  IbmWorld world(one_key("aliases: [pay]"));
  CHECK(world.remove(path + "/purge").code() == "KEY_ACTION_INVALID_STATE_ERR");
  REQUIRE(world.remove(path).status == 204);
  world.pass(seconds(3 * 3600));
  world.as("manager-key");
  CHECK(world.remove(path + "/purge").code() == "REQ_TOO_EARLY_ERR");
  later(world, hours(1));
  CHECK(world.remove(path + "/purge").status == 204);
  CHECK(world.get(path).code() == "KEY_NOT_FOUND_ERR");
  CHECK(world.get("/keys/pay").status == 404);
  CHECK(world.remove(path + "/purge").status == 404);

  IbmWorld forgotten(one_key("versions: 1"));
  REQUIRE(forgotten.remove(path).status == 204);
  later(forgotten, hours(90 * 24) - seconds(1));
  CHECK(forgotten.get("/keys?state=5").count() == 1);
  later(forgotten, seconds(1));
  CHECK(forgotten.get("/keys?state=5").count() == 0);
  CHECK(forgotten.get(path).status == 404);
}

TEST_CASE("A key that protects resources is deleted by force only, and not against a retention policy") {
  IbmWorld world(one_key("registrations: [{ crn: 'crn:v1:bluemix:public:is:us-south-1:a/1::volume:v1' }]"));
  auto const reply = world.remove(path);
  CHECK(reply.status == 409);
  CHECK(reply.code() == "PROTECTED_RESOURCE_ERR");
  CHECK(reply.text_at("/resources/0/reasons/0/target/name") == "force");
  CHECK(world.remove(path + "?force=true").status == 204);

  IbmWorld retained(
      one_key("registrations: [{ crn: 'crn:v1:bluemix:public:is:us-south-1:a/1::volume:v1', "
              "prevents_deletion: true }]"));
  CHECK(retained.remove(path + "?force=true").code() == "PREV_KEY_DEL_ERR");
  CHECK(retained.remove(path + "?force=perhaps").code() == "INVALID_QUERY_PARAM_ERR");
}

TEST_CASE("Dual authorization takes two users within seven days") {
  IbmWorld world(one_key("versions: 1"));
  CHECK(world.post(path + "/actions/setKeyForDeletion").code() == "NOT_DUAL_AUTH_ERR");
  REQUIRE(world
              .put(path + "/policies?policy=dualAuthDelete",
                   envelope(
                       R"({"type":"application/vnd.ibm.kms.policy+json","dualAuthDelete":{"enabled":true}})"))
              .status == 200);
  CHECK(world.remove(path).code() == "AUTHORIZATIONS_NOT_MET");
  REQUIRE(world.post(path + "/actions/setKeyForDeletion").status == 204);
  auto const shown = world.get(path + "/metadata");
  CHECK(shown.text_at("/resources/0/dualAuthDelete/keySetForDeletion") == "true");
  CHECK(shown.text_at("/resources/0/dualAuthDelete/authExpiration") == "2026-11-29T02:00:00Z");
  CHECK(world.remove(path).code() == "AUTHORIZATIONS_NOT_MET");  // the same user

  REQUIRE(world.post(path + "?action=unsetKeyForDeletion").status == 204);
  world.as("second-key");
  CHECK(world.remove(path).code() == "AUTHORIZATIONS_NOT_MET");
  world.as("manager-key");
  REQUIRE(world.post(path + "?action=setKeyForDeletion").status == 204);
  later(world, hours(7 * 24));
  world.as("second-key");
  CHECK(world.remove(path).code() == "AUTHORIZATIONS_NOT_MET");  // the window has closed
  world.as("manager-key");
  REQUIRE(world.post(path + "/actions/setKeyForDeletion").status == 204);
  world.as("second-key");
  CHECK(world.remove(path).status == 204);
}
