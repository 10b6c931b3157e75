#include "tests/contract/ibm/ibm_world.hpp"
#include "tests/simulator/crypto.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace rekeyd::sim::ibm;
using namespace rekeyd::sim;

TEST_CASE("A generated root key has a version and no rotation date") {
  IbmWorld world;
  auto const reply = world.post(
      "/keys",
      envelope(R"({"type":"application/vnd.ibm.kms.key+json","name":"vpc-root","description":"for tests",
                            "extractable":false,"Tags":["tier-pci"],"aliases":["vpc"],
                            "expirationDate":"2030-01-01T00:00:00Z"})"));
  REQUIRE(reply.status == 201);
  auto const& key = reply.resource();
  CHECK(key.at("state").as_int64() == 1);
  CHECK_FALSE(key.at("imported").as_bool());
  CHECK_FALSE(key.at("extractable").as_bool());
  CHECK_FALSE(key.contains("payload"));
  CHECK_FALSE(key.contains("lastRotateDate"));
  CHECK_FALSE(key.contains("rotation"));
  CHECK_FALSE(key.contains("deleted"));
  CHECK(key.at("keyRingID").as_string() == "default");
  CHECK(key.at("createdBy").as_string() == "iam-ServiceId-manager");
  CHECK(key.at("creationDate").as_string() == "2026-11-22T02:00:00Z");
  CHECK(key.at("expirationDate").as_string() == "2030-01-01T00:00:00Z");
  CHECK(reply.text_at("/resources/0/tags") == R"(["tier-pci"])");
  CHECK(reply.text_at("/resources/0/keyVersion/id") == std::string(key.at("id").as_string()));
  // By id and by alias.
  auto const id = reply.text_at("/resources/0/id");
  CHECK(world.get("/keys/" + id + "/metadata").text_at("/resources/0/name") == "vpc-root");
  CHECK(world.get("/keys/vpc").text_at("/resources/0/id") == id);
}

TEST_CASE("A standard key shows its payload to those who get it, and never as metadata") {
  IbmWorld world;
  auto const payload = base64("a secret of the application");
  auto const made = world.post("/keys", envelope(R"({"name":"app-secret","payload":")" + payload + R"("})"));
  REQUIRE(made.status == 201);
  CHECK(made.text_at("/resources/0/payload") == payload);
  CHECK(made.text_at("/resources/0/imported") == "true");
  auto const id = made.text_at("/resources/0/id");
  CHECK(world.get("/keys/" + id).text_at("/resources/0/payload") == payload);
  CHECK(world.get("/keys/" + id + "/metadata").text_at("/resources/0/payload").empty());
  CHECK(world.get("/keys/" + id + "/metadata").text_at("/resources/0/keyVersion").empty());
}

TEST_CASE("Imported root key material is 16, 24 or 32 bytes of base64") {
  IbmWorld world;
  auto const import = [&world](std::string const& payload) {
    return world.post("/keys",
                      envelope(R"({"name":"imported","extractable":false,"payload":")" + payload + R"("})"));
  };
  for (std::size_t const size : {16U, 24U, 32U}) {
    CHECK(import(base64(std::string(size, 'k'))).text_at("/resources/0/imported") == "true");
  }
  for (auto const& payload : {base64(std::string(31, 'k')), std::string("?!"), std::string()}) {
    auto const reply = import(payload);
    CHECK(reply.status == 400);
    CHECK(reply.code() == "INVALID_FIELD_ERR");
    CHECK(reply.text_at("/resources/0/reasons/0/target/name") == "payload");
  }
}

TEST_CASE("The decoder is strict: what it does not know, or not in that place, is BAD_BODY_ERR") {
  IbmWorld world;
  for (std::string const body :
       {"", "{", "[]", "\"text\"", R"({"resources":{}})", R"({"resources":[]})", R"({"resources":[1]})",
        R"({"resources":[{"name":"ab"},{"name":"cd"}]})", R"({"resources":[{"name":"ab"}],"more":1})",
        R"({"resources":[{"name":"ab","colour":"red"}]})", R"({"resources":[{"name":7}]})",
        R"({"resources":[{"name":"ab","extractable":"no"}]})", R"({"resources":[{"name":"ab","tags":"t"}]})",
        R"({"resources":[{"name":"ab","rotation":{"enabled":true,"interval_month":3}}]})"}) {
    INFO(body);
    auto const reply = world.post("/keys", body);
    CHECK(reply.status == 400);
    CHECK((reply.code() == "BAD_BODY_ERR" || (body.empty() && reply.code() == "NO_BODY_ERR")));
  }
  auto const mismatch =
      world.post("/keys", R"({"metadata":{"collectionTotal":2},"resources":[{"name":"ab"}]})");
  CHECK(mismatch.code() == "COLLECTION_TOTAL_MISMATCH_ERR");
  CHECK(world.get("/keys").count() == 0);
}

TEST_CASE("A key's words have their lengths") {
  IbmWorld world;
  for (auto const& [member, field] : std::vector<std::pair<std::string, std::string>>{
           {R"("name":"x")", "name"},
           {fmt::format(R"("name":"{}")", std::string(91, 'n')), "name"},
           {R"("name":"ok","description":"x")", "description"},
           {R"("name":"ok","expirationDate":"2020-01-01T00:00:00Z")", "expirationDate"},
           {R"("name":"ok","expirationDate":"soon")", "expirationDate"},
           {R"("name":"ok","aliases":["aa","bb","cc","dd","ee","ff"])", "aliases"},
           {R"("name":"ok","aliases":["0b0b0b0b-0000-4000-8000-000000000001"])", "alias"}}) {
    INFO(member);
    auto const reply = world.post("/keys", envelope("{" + member + "}"));
    CHECK(reply.code() == "INVALID_FIELD_ERR");
    CHECK(reply.text_at("/resources/0/reasons/0/target/name") == field);
  }
}

TEST_CASE("Prefer: return=minimal leaves the body of a new key out") {
  IbmWorld world;
  auto const reply =
      world.send("POST", "/keys", envelope(R"({"name":"quiet"})"), {{"Prefer", "return=minimal"}});
  CHECK(reply.status == 201);
  CHECK(reply.text.empty());
  CHECK(world.get("/keys").count() == 1);
}

TEST_CASE("A key is made in the ring that the header names, and found in no other") {
  IbmWorld world;
  auto const made = world.send("POST", "/keys", envelope(R"({"name":"ringed","extractable":false})"),
                               {{"X-Kms-Key-Ring", "team-a"}});
  REQUIRE(made.status == 201);
  auto const path = "/keys/" + made.text_at("/resources/0/id") + "/metadata";
  CHECK(made.text_at("/resources/0/keyRingID") == "team-a");
  CHECK(world.get(path).status == 200);
  CHECK(world.send("GET", path, "", {{"x-kms-key-ring", "team-a"}}).status == 200);
  auto const other = world.send("GET", path, "", {{"x-kms-key-ring", "default"}});
  CHECK(other.status == 404);
  CHECK(other.code() == "KEY_NOT_FOUND_ERR");
  CHECK(world.send("POST", "/keys", envelope(R"({"name":"ringed"})"), {{"X-Kms-Key-Ring", "none"}}).status ==
        404);
}

TEST_CASE("A key that does not exist is 404 KEY_NOT_FOUND_ERR in the service's error body") {
  IbmWorld world;
  auto const reply = world.get("/keys/metadata");  // a key named so, not an operation
  CHECK(reply.status == 404);
  CHECK(reply.code() == "KEY_NOT_FOUND_ERR");
  CHECK(reply.text_at("/metadata/collectionType") == "application/vnd.ibm.kms.error+json");
  CHECK(reply.text_at("/resources/0/errorMsg").starts_with("Not Found: "));
  CHECK(reply.text_at("/resources/0/reasons/0/status") == "404");
  CHECK_FALSE(reply.text_at("/resources/0/reasons/0/moreInfo").empty());
}

TEST_CASE("Versions come newest first, in pages, with a total when asked") {
  IbmWorld world(fmt::format("[{{ name: aged, id: {}, created: 14 months ago, versions: 5 }}]", root));
  auto const path = fmt::format("/keys/{}/versions", root);
  auto const all = world.get(path + "?totalCount=true");
  REQUIRE(all.count() == 5);
  CHECK(all.metadata().at("totalCount").as_int64() == 5);
  CHECK(all.text_at("/resources/0/id") == world.current_version(root));
  CHECK(all.text_at("/resources/4/id") == root);
  CHECK(all.text_at("/resources/0/creationDate") > all.text_at("/resources/1/creationDate"));
  CHECK_FALSE(all.resource().contains("state"));
  auto const page = world.get(path + "?limit=2&offset=4&totalCount=true");
  CHECK(page.count() == 1);
  CHECK(page.metadata().at("collectionTotal").as_int64() == 1);
  CHECK(page.metadata().at("totalCount").as_int64() == 5);
  CHECK(world.get(path + "?limit=5001").code() == "INVALID_QUERY_PARAM_ERR");
  CHECK(world.get(path + "?totalCount=1").code() == "INVALID_QUERY_PARAM_ERR");
}

TEST_CASE("Versions of a key that is not active need allKeyStates") {
  auto const [state, status, code] = GENERATE(
      table<std::string, unsigned, std::string>({{"suspended", 409U, "KEY_ACTION_INVALID_STATE_ERR"},
                                                 {"deactivated", 409U, "KEY_ACTION_INVALID_STATE_ERR"},
                                                 {"destroyed", 410U, "KEY_DELETED_ERR"}}));
  IbmWorld world(
      fmt::format("[{{ name: aged, id: {}, versions: 3, created: 1 year ago, state: {} }}]", root, state));
  auto const path = fmt::format("/keys/{}/versions", root);
  CHECK(world.get(path).status == status);
  CHECK(world.get(path).code() == code);
  CHECK(world.get(path + "?allKeyStates=true").count() == 3);
}

TEST_CASE("A standard key has no versions to list") {
  IbmWorld world(fmt::format("[{{ name: standard, id: {}, extractable: true }}]", root));
  CHECK(world.get(fmt::format("/keys/{}/versions", root)).code() == "KEY_ROOT_REQ_ERR");
}

TEST_CASE("PATCH moves a key to another ring") {
  IbmWorld world;
  auto const key = world.create_root_key();
  auto const reply = world.patch("/keys/" + key, R"({"keyRingID":"team-a"})");
  CHECK(reply.status == 200);
  CHECK(reply.text_at("/resources/0/keyRingID") == "team-a");
  CHECK(world.patch("/keys/" + key, R"({"keyRingID":"none"})").code() == "INVALID_FIELD_ERR");
  CHECK(world.patch("/keys/" + key, R"({"name":"other"})").code() == "BAD_BODY_ERR");
}

TEST_CASE("Policy overrides at creation need their own route") {
  IbmWorld world;
  auto const reply =
      world.post("/keys_with_policy_overrides", envelope(R"({"name":"rotating","extractable":false,
                                  "rotation":{"enabled":true,"interval_month":3},"dualAuthDelete":{"enabled":true}})"));
  REQUIRE(reply.status == 201);
  CHECK(reply.text_at("/resources/0/rotation/interval_month") == "3");
  CHECK(reply.text_at("/resources/0/dualAuthDelete/enabled") == "true");
  CHECK(world
            .post("/keys_with_policy_overrides",
                  envelope(R"({"name":"rotating","rotation":{"interval_month":3}})"))
            .code() == "KEY_ROOT_REQ_ERR");
}

TEST_CASE("What a lagging request makes is seen later") {
  IbmWorld world;
  auto const key = world.create_root_key();
  auto const first = world.current_version(key);
  auto request = world.request("POST", "/keys/" + key + "/actions/rotate", "");
  request.lag = std::chrono::seconds(30);
  REQUIRE(world.raw(request).status == 204);
  CHECK(world.current_version(key) == first);
  CHECK(world.get("/keys/" + key + "/versions").count() == 1);
  CHECK(world.get("/keys/" + key + "/metadata").text_at("/resources/0/lastRotateDate").empty());
  world.pass(std::chrono::seconds(30));
  CHECK(world.current_version(key) != first);
  CHECK(world.get("/keys/" + key + "/versions").count() == 2);

  auto create = world.request("POST", "/keys", envelope(R"({"name":"late"})"));
  create.lag = std::chrono::seconds(30);
  auto const made = world.raw(create).text_at("/resources/0/id");
  CHECK(world.get("/keys/" + made).status == 404);
  world.pass(std::chrono::seconds(30));
  CHECK(world.get("/keys/" + made).status == 200);
}
