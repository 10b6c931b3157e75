#include "tests/contract/ibm/ibm_world.hpp"

#include <catch2/catch.hpp>

using namespace rekeyd::sim::ibm;
using namespace rekeyd::sim;

TEST_CASE("An alias names a key wherever its id does") {
  IbmWorld world;
  auto const key = world.create_root_key();
  auto const made = world.post("/keys/" + key + "/aliases/pay%20roll");
  REQUIRE(made.status == 201);
  CHECK(made.text_at("/resources/0/alias") == "pay roll");
  CHECK(made.text_at("/resources/0/keyId") == key);
  CHECK(world.get("/keys/pay%20roll/metadata").text_at("/resources/0/id") == key);
  CHECK(world.post("/keys/pay%20roll/actions/rotate").status == 204);
  CHECK(world.remove("/keys/" + key + "/aliases/pay%20roll").status == 204);
  CHECK(world.get("/keys/pay%20roll/metadata").status == 404);
  CHECK(world.remove("/keys/" + key + "/aliases/pay%20roll").status == 404);
}

TEST_CASE("Aliases are unique, at most five a key, no UUIDs, 2 to 90 characters") {
  IbmWorld world;
  auto const key = world.create_root_key();
  auto const other = world.create_root_key();
  auto const add = [&world](std::string const& id, std::string const& alias) {
    return world.post("/keys/" + id + "/aliases/" + alias).status;
  };
  CHECK(add(key, "one") == 201);
  CHECK(add(other, "one") == 409);
  CHECK(add(key, "x") == 400);
  CHECK(add(key, std::string(91, 'a')) == 400);
  CHECK(add(key, root) == 400);
  for (auto const* alias : {"two", "three", "four", "five"}) CHECK(add(key, alias) == 201);
  CHECK(add(key, "six") == 409);
}

TEST_CASE("Key rings are made, listed and deleted, but the default stays") {
  IbmWorld world;
  auto const made = world.post("/key_rings/team-b");
  CHECK(made.status == 201);
  CHECK(made.text.empty());
  CHECK(world.post("/key_rings/team-b").status == 409);
  auto const list = world.get("/key_rings?totalCount=true");
  CHECK(list.count() == 3);
  CHECK(list.metadata().at("totalCount").as_int64() == 3);
  CHECK(list.metadata().at("collectionType").as_string() == "application/vnd.ibm.kms.key_ring+json");
  CHECK(world.remove("/key_rings/team-b").status == 204);
  CHECK(world.remove("/key_rings/team-b").status == 404);
  CHECK(world.remove("/key_rings/default").status == 409);
}

TEST_CASE("A ring with keys stays, one with deleted keys goes by force and gives them to the default") {
  IbmWorld world;
  auto const made =
      world.send("POST", "/keys", envelope(R"({"name":"ringed"})"), {{"X-Kms-Key-Ring", "team-a"}});
  auto const key = made.text_at("/resources/0/id");
  CHECK(world.remove("/key_rings/team-a?force=true").code() == "KEY_RING_NOT_EMPTY_ERR");
  REQUIRE(world.remove("/keys/" + key).status == 204);
  CHECK(world.remove("/key_rings/team-a").code() == "KEY_RING_NOT_EMPTY_ERR");
  CHECK(world.remove("/key_rings/team-a?force=true").status == 204);
  CHECK(world.get("/keys/" + key).text_at("/resources/0/keyRingID") == "default");
}

TEST_CASE("An instance has fifty key rings besides the default") {
  IbmWorld world;
  for (int i = 0; i < 49; ++i) REQUIRE(world.post("/key_rings/ring-" + std::to_string(i)).status == 201);
  CHECK(world.post("/key_rings/one-more").status == 409);
  CHECK(world.get("/key_rings").count() == 51);
}
