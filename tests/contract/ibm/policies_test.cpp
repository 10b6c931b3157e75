#include "tests/contract/ibm/ibm_world.hpp"
#include "tests/simulator/crypto.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace rekeyd::sim::ibm;
using namespace rekeyd::sim;

namespace {

std::string const key_path = std::string("/keys/") + root + "/policies";
std::string one_key(std::string const& fields) {
  return fmt::format("[{{ name: payments, id: {}, {} }}]", root, fields);
}
std::string rotation(std::string const& inner) {
  return envelope(R"({"type":"application/vnd.ibm.kms.policy+json","rotation":)" + inner + "}");
}
std::string instance_policy(std::string const& type, std::string const& data) {
  return envelope(fmt::format(R"({{"policy_type":"{}","policy_data":{}}})", type, data));
}

}  // namespace

TEST_CASE("A key without policies has none to show, and a rotation policy shows in the metadata too") {
  IbmWorld world(one_key("created: 1 month ago"));
  auto const none = world.get(key_path);
  CHECK(none.status == 200);
  CHECK(none.metadata().at("collectionTotal").as_int64() == 0);
  CHECK_FALSE(none.body.as_object().contains("resources"));

  auto const set =
      world.put(key_path + "?policy=rotation", rotation(R"({"enabled":true,"interval_month":3})"));
  REQUIRE(set.status == 200);
  CHECK(set.text_at("/resources/0/rotation/interval_month") == "3");
  CHECK(set.text_at("/resources/0/createdBy") == "iam-ServiceId-manager");
  CHECK(set.text_at("/resources/0/crn").find(":policy:") != std::string::npos);
  CHECK(world.get(key_path + "?policy=rotation").count() == 1);
  CHECK(world.get(key_path + "?policy=dualAuthDelete").count() == 0);
  CHECK(world.get(std::string("/keys/") + root + "/metadata").text_at("/resources/0/rotation/enabled") ==
        "true");
}

TEST_CASE("A policy can be sent as its interval alone, and switched off without losing it") {
  IbmWorld world(one_key("created: 1 month ago"));
  CHECK(world.put(key_path, rotation(R"({"interval_month":6})")).text_at("/resources/0/rotation/enabled") ==
        "true");
  auto const off = world.put(key_path, rotation(R"({"enabled":false})"));
  CHECK(off.text_at("/resources/0/rotation/enabled") == "false");
  CHECK(off.text_at("/resources/0/rotation/interval_month") == "6");
  CHECK(
      world.put(key_path, rotation(R"({"enabled":true})")).text_at("/resources/0/rotation/interval_month") ==
      "6");
}

TEST_CASE("Both policies may go in one PUT, and neither is set when one is wrong") {
  IbmWorld world(one_key("created: 1 month ago"));
  std::string const both =
      R"({"resources":[{"rotation":{"interval_month":2}},{"dualAuthDelete":{"enabled":true}}]})";
  std::string const half =
      R"({"resources":[{"dualAuthDelete":{"enabled":true}},{"rotation":{"interval_month":13}}]})";
  CHECK(world.put(key_path, half).code() == "INVALID_FIELD_ERR");
  CHECK(world.get(key_path).count() == 0);
  CHECK(world.put(key_path, both).count() == 2);
  CHECK(world.put(key_path, R"({"resources":[{"dualAuthDelete":{"enabled":false}}]})").status == 400);
}

TEST_CASE("interval_month is 1 to 12, and the body is read strictly") {
  IbmWorld world(one_key("created: 1 month ago"));
  for (std::string const interval : {"0", "13", "-1"}) {
    auto const reply = world.put(key_path, rotation("{\"interval_month\":" + interval + "}"));
    CHECK(reply.code() == "INVALID_FIELD_ERR");
    CHECK(reply.text_at("/resources/0/reasons/0/target/name") == "interval_month");
  }
  CHECK(world.put(key_path, rotation(R"({"interval_month":"3"})")).code() == "BAD_BODY_ERR");
  CHECK(world.put(key_path, rotation(R"({"interval_month":2.5})")).code() == "BAD_BODY_ERR");
  CHECK(world.put(key_path, rotation("{}")).code() == "BAD_BODY_ERR");
  CHECK(world.put(key_path, rotation(R"({"every":3})")).code() == "BAD_BODY_ERR");
  CHECK(world.put(key_path, "").code() == "NO_BODY_ERR");
  CHECK(world.put(key_path, envelope("{}")).code() == "BAD_BODY_ERR");
  CHECK(world.put(key_path + "?policy=dualAuthDelete", rotation(R"({"interval_month":3})")).code() ==
        "BODY_QUERY_PARAM_MISMATCH_ERR");
  CHECK(world.get(key_path + "?policy=none").code() == "INVALID_QUERY_PARAM_ERR");
}

TEST_CASE("Imported and standard keys take no rotation policy") {
  IbmWorld imported(one_key("imported: true"));
  CHECK(imported.put(key_path, rotation(R"({"interval_month":3})")).status == 400);
  IbmWorld standard(one_key("extractable: true"));
  CHECK(standard.put(key_path, rotation(R"({"interval_month":3})")).code() == "KEY_ROOT_REQ_ERR");
}

TEST_CASE("Instance policies are set, shown and spelled with lastUpdated") {
  IbmWorld world;
  CHECK(world.get("/instance/policies").count() == 0);
  REQUIRE(
      world
          .put("/instance/policies?policy=allowedNetwork",
               instance_policy("allowedNetwork",
                               R"({"enabled":true,"attributes":{"allowed_network":"public-and-private"}})"))
          .status == 204);
  REQUIRE(world.put("/instance/policies", instance_policy("metrics", R"({"enabled":true})")).status == 204);
  CHECK(world.get("/instance/policies").count() == 2);
  auto const one = world.get("/instance/policies?policy=allowedNetwork");
  REQUIRE(one.count() == 1);
  CHECK(one.text_at("/resources/0/policy_data/attributes/allowed_network") == "public-and-private");
  CHECK(one.resource().contains("lastUpdated"));
  CHECK_FALSE(one.resource().contains("lastUpdateDate"));
}

TEST_CASE("A wrong instance policy is refused by its own code") {
  IbmWorld world;
  auto const put = [&world](std::string const& query, std::string const& body) {
    return world.put("/instance/policies" + query, body).code();
  };
  CHECK(put("", instance_policy("metrics", R"({"enabled":true,"attributes":{"x":1}})")) == "BAD_BODY_ERR");
  CHECK(put("?policy=metrics", instance_policy("rotation", R"({"enabled":false})")) ==
        "BODY_QUERY_PARAM_MISMATCH_ERR");
  CHECK(
      put("?policy=metrics",
          R"({"resources":[{"policy_type":"metrics","policy_data":{"enabled":true}},{"policy_type":"metrics","policy_data":{"enabled":true}}]})") ==
      "NUM_COLLECTION_RESOURCE_ERR");
  CHECK(
      put("",
          R"({"metadata":{"collectionTotal":3},"resources":[{"policy_type":"metrics","policy_data":{"enabled":true}}]})") ==
      "COLLECTION_TOTAL_MISMATCH_ERR");
  CHECK(put("", instance_policy("rotation", R"({"enabled":true})")) == "BAD_BODY_ERR");
  CHECK(put("", instance_policy("rotation", R"({"enabled":true,"attributes":{"interval_month":0}})")) ==
        "INVALID_FIELD_ERR");
  CHECK(put("", instance_policy("allowedNetwork",
                                R"({"enabled":true,"attributes":{"allowed_network":"none"}})")) ==
        "INVALID_FIELD_ERR");
  CHECK(put("", instance_policy("nonsense", R"({"enabled":true})")) == "INVALID_FIELD_ERR");
  CHECK(put("", instance_policy("metrics", R"({})")) == "BAD_BODY_ERR");
  CHECK(put("?policy=nonsense", instance_policy("metrics", R"({"enabled":true})")) ==
        "INVALID_QUERY_PARAM_ERR");
  CHECK(put("", "") == "NO_BODY_ERR");
  CHECK(world.get("/instance/policies").count() == 0);
}

TEST_CASE("New generated root keys inherit the instance's rotation and dual authorization") {
  IbmWorld world;
  auto const before = world.create_root_key("before");
  REQUIRE(world
              .put("/instance/policies",
                   instance_policy("rotation", R"({"enabled":true,"attributes":{"interval_month":4}})"))
              .status == 204);
  REQUIRE(world.put("/instance/policies", instance_policy("dualAuthDelete", R"({"enabled":true})")).status ==
          204);
  auto const after = world.get("/keys/" + world.create_root_key("after") + "/metadata");
  CHECK(after.text_at("/resources/0/rotation/interval_month") == "4");
  CHECK(after.text_at("/resources/0/dualAuthDelete/enabled") == "true");
  CHECK(world.get("/keys/" + before + "/metadata").text_at("/resources/0/rotation").empty());
  auto const imported = world.post("/keys", envelope(R"({"name":"imported","extractable":false,"payload":")" +
                                                     base64(std::string(32, 'k')) + R"("})"));
  CHECK(imported.text_at("/resources/0/rotation").empty());
}

TEST_CASE("keyCreateImportAccess forbids kinds of keys") {
  IbmWorld world;
  REQUIRE(world
              .put("/instance/policies",
                   instance_policy(
                       "keyCreateImportAccess",
                       R"({"enabled":true,"attributes":{"create_root_key":false,"enforce_token":true}})"))
              .status == 204);
  auto const reply = world.post("/keys", envelope(R"({"name":"refused","extractable":false})"));
  CHECK(reply.status == 409);
  CHECK(reply.code() == "KEY_CREATE_IMPORT_ACCESS_ERR");
  CHECK(world.post("/keys", envelope(R"({"name":"allowed"})")).status == 201);
  CHECK(world.post("/keys", envelope(R"({"name":"plain","payload":"AAAA"})")).code() ==
        "KEY_CREATE_IMPORT_ACCESS_ERR");
}

TEST_CASE("A private-only instance is 401 under its public name") {
  IbmWorld world;
  REQUIRE(world
              .put("/instance/policies",
                   instance_policy("allowedNetwork",
                                   R"({"enabled":true,"attributes":{"allowed_network":"private-only"}})"))
              .status == 204);
  CHECK(world.get("/keys").status == 401);
  CHECK(world.under_host("private.us-south.kms.cloud.ibm.com").get("/keys").status == 200);
}

TEST_CASE("The private port is told when addresses are restricted") {
  IbmWorld world;
  CHECK(world.get("/instance/allowed_ip_port").count() == 0);
  REQUIRE(world
              .put("/instance/policies",
                   instance_policy("allowedIP",
                                   R"({"enabled":true,"attributes":{"allowed_ip":["192.0.2.0/24"]}})"))
              .status == 204);
  CHECK(world.get("/instance/allowed_ip_port").text_at("/resources/0/private_endpoint_port") == "15008");
}
