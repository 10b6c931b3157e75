#include "tests/contract/ibm/ibm_world.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace rekeyd::sim::ibm;
using namespace rekeyd::sim;

TEST_CASE("A call without a token is 401, with a broken one 400, with a foreign one 401") {
  IbmWorld world;
  auto request = world.request("GET", "/keys", "");
  std::erase_if(request.headers, [](auto const& header) { return header.first == "authorization"; });
  auto reply = world.raw(request);
  CHECK(reply.status == 401);
  CHECK(reply.resource().contains("errorMsg"));
  CHECK_FALSE(reply.resource().contains("reasons"));

  reply = world.send("GET", "/keys", "", {{"Authorization", "abc"}});
  CHECK(reply.status == 400);
  CHECK(reply.code() == "BEARER_SUB_EXTRACTION_ERR");

  CHECK(world.send("GET", "/keys", "", {{"Authorization", "Bearer abc"}}).status == 401);
}

TEST_CASE("Bluemix-Instance must be a UUID, and one that this host serves") {
  IbmWorld world;
  auto const malformed = world.send("GET", "/keys", "", {{"Bluemix-Instance", "crn:v1:bluemix:public:kms"}});
  CHECK(malformed.status == 400);
  CHECK(malformed.text.find("Bluemix-Instance") != std::string::npos);
  CHECK(world.send("GET", "/keys", "", {{"Bluemix-Instance", ""}}).status == 400);

  auto const unknown =
      world.send("GET", "/keys", "", {{"Bluemix-Instance", "0a0a0a0a-0000-4000-8000-0000000000ff"}});
  CHECK(unknown.status == 401);
  CHECK_FALSE(unknown.resource().contains("reasons"));
  // The right instance in the wrong region, and another instance's own host.
  CHECK(world.under_host("eu-de.kms.cloud.ibm.com").get("/keys").status == 401);
  CHECK(world.under_host(std::string(dedicated) + ".api.eu-de.kms.appdomain.cloud").get("/keys").status ==
        401);
}

TEST_CASE("Every flavour answers under its real, private and loopback names") {
  IbmWorld world;
  std::string const d = dedicated;
  std::string const h = hpcs;
  auto const works = [&world](std::string_view instance, std::string const& host) {
    INFO(host);
    CHECK(world.at_instance(instance).under_host(host).get("/keys").status == 200);
  };
  works(kp, "us-south.kms.cloud.ibm.com");
  works(kp, "private.us-south.kms.cloud.ibm.com");
  works(kp, "us-south.kms.localhost:8443");
  works(dedicated, d + ".api.eu-de.kms.appdomain.cloud");
  works(dedicated, d + ".kms-dedicated.localhost:8443");
  works(hpcs, h + ".api.us-east.hs-crypto.appdomain.cloud");
  works(hpcs, h + ".api.private.us-east.hs-crypto.appdomain.cloud");
  works(hpcs, "api.us-east.hs-crypto.cloud.ibm.com:8601");
  works(hpcs, h + ".hs-crypto.localhost");
  CHECK(world.under_host("api.us-east.hs-crypto.cloud.ibm.com:8602").get("/keys").status == 401);
  CHECK_FALSE(world.kms().serves("kms.example.com"));

  auto const names = world.kms().hosts();
  CHECK(std::ranges::find(names, "us-south.kms.localhost") != names.end());
  CHECK(std::ranges::all_of(names, [&world](auto const& name) { return world.kms().serves(name); }));
}

TEST_CASE("A key's CRN names the flavour's service") {
  IbmWorld world;
  auto const crn = [&world](std::string const& key) {
    return world.get("/keys/" + key + "/metadata").text_at("/resources/0/crn");
  };
  CHECK(crn(world.create_root_key()).starts_with("crn:v1:bluemix:public:kms:us-south:a/"));
  world.at_instance(hpcs);
  CHECK(crn(world.create_root_key()).starts_with("crn:v1:bluemix:public:hs-crypto:us-east:a/"));
}

TEST_CASE("The correlation id is echoed, and made when there is none") {
  IbmWorld world;
  std::string const id = "11111111-2222-4333-8444-555555555555";
  CHECK(world.send("GET", "/keys", "", {{"correlation-id", id}}).header("Correlation-Id") == id);
  CHECK(world.send("GET", "/nonsense", "", {{"correlation-id", id}}).header("Correlation-Id") == id);
  CHECK(world.get("/keys").header("Correlation-Id").size() == 36);
}

TEST_CASE("A role too low is 403 without reasons, and does nothing") {
  IbmWorld world;
  auto const key = world.create_root_key();
  auto const version = world.current_version(key);

  world.as("reader-key");
  CHECK(world.get("/keys").status == 200);
  CHECK(world.get("/keys/" + key + "/metadata").status == 200);
  CHECK(world.get("/keys/" + key + "/versions").status == 200);
  CHECK(world.get("/keys/" + key + "/registrations").status == 200);
  CHECK(world.post("/keys/" + key + "/actions/wrap").status == 200);
  CHECK(world.get("/keys/" + key).status == 403);
  auto const refused = world.post("/keys/" + key + "/actions/rotate");
  CHECK(refused.status == 403);
  CHECK(refused.code().empty());
  CHECK(world.post("/keys/" + key + "?action=rotate").status == 403);
  CHECK(world.post("/keys/" + key + "/actions/sync").status == 403);
  CHECK(world.current_version(key) == version);

  world.as("writer-key");
  CHECK(world.get("/keys/" + key).status == 200);
  CHECK(world.get("/keys/" + key + "/policies").status == 403);
  CHECK(world.put("/keys/" + key + "/policies", "{}").status == 403);
  CHECK(world.get("/instance/policies").status == 403);
  CHECK(world.post("/keys/" + key + "/actions/disable").status == 403);
  CHECK(world.remove("/keys/" + key).status == 403);
  CHECK(world.post("/keys/" + key + "/actions/rotate").status == 204);

  world.as("second-key");
  CHECK(world.remove("/keys/" + key + "/purge").status == 403);
}

TEST_CASE("A missing role can be told as 401, as the error page says") {
  IbmWorld world("[]", "oddities: { missing_role_status: 401 }");
  CHECK(world.as("reader-key").post("/keys", "{}").status == 401);
}

TEST_CASE("Registrations are written by services only") {
  IbmWorld world;
  auto const path = "/keys/" + world.create_root_key() + "/registrations/crn%3Av1%3Abluemix%3Apublic%3Ais";
  for (auto const* method : {"POST", "PUT", "PATCH", "DELETE"}) {
    auto const reply = world.send(method, path, "{}");
    CHECK(reply.status == 403);
    CHECK(reply.code() == "SERVICE_ONLY_ERR");
  }
  CHECK(world.post("/event_ack", "{}").code() == "SERVICE_ONLY_ERR");
}

TEST_CASE("A Dedicated instance without crypto units answers 503 in plain text to everything") {
  auto world = IbmWorld::from_section(
      "{ api_keys: [{ key: k, service_id: ServiceId-1 }], instances: [{ name: kpd, id: "
      "0a0a0a0a-0000-4000-8000-000000000002, flavour: key-protect-dedicated, region: eu-de, initialised: "
      "false "
      "}] }");
  auto const reply = world.as("k").at_instance(dedicated).get("/keys");
  CHECK(reply.status == 503);
  CHECK(reply.header("Content-Type") == "text/plain");
  CHECK(reply.text.starts_with("no healthy upstream"));
}

TEST_CASE("An instance's rate limit is 429 without reasons, with Retry-After in the form chosen") {
  auto const wait = GENERATE(std::string("seconds"), std::string("date"), std::string("absent"));
  IbmWorld world("[]", "rate: { per_second: 1, burst: 2, retry_after: " + wait + " }");
  CHECK(world.get("/keys").status == 200);
  CHECK(world.get("/keys").status == 200);
  auto const reply = world.get("/keys");
  CHECK(reply.status == 429);
  CHECK(reply.code().empty());
  std::string const expected = wait == "seconds" ? "1"
                               : wait == "date"  ? "Sun, 22 Nov 2026 02:00:01 GMT"
                                                 : "";
  CHECK(reply.header("Retry-After") == expected);
  CHECK(world.at_instance(hpcs).get("/keys").status == 200);
  world.at_instance(kp).pass(std::chrono::seconds(1));
  CHECK(world.get("/keys").status == 200);
}

TEST_CASE("A token that a fault rule lets expire is 401") {
  IbmWorld world;
  auto request = world.request("GET", "/keys", "");
  request.token_expired = true;
  CHECK(world.raw(request).status == 401);
}

TEST_CASE("A path or method that does not exist is 404") {
  IbmWorld world;
  CHECK(world.get("/nonsense").status == 404);
  CHECK(world.send("PUT", "/keys", "").status == 404);
  CHECK(world.post("/keys/" + world.create_root_key() + "?action=dance").status == 404);
  CHECK(world.get("/keys/%zz").status == 404);
  CHECK(world.get("").status == 404);
}
