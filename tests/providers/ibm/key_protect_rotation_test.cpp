#include "tests/providers/ibm/instance_world.hpp"

#include <catch2/catch.hpp>

using namespace rekeyd;
using namespace rekeyd::providers;
using namespace rekeyd::test;

TEST_CASE("a rotation is one empty POST, answered with 204") {
  InstanceWorld world;
  world.on(metadata_call, envelope(key_text()));
  world.on(rotate_call, answer(204, "", {{"Correlation-Id", "echo"}}));
  auto const receipt = world.run(world.provider->rotate(world.order(), world.deadline()));
  REQUIRE(receipt);
  CHECK_FALSE(receipt->version);
  CHECK(receipt->evidence.request_id == "echo");
  CHECK(receipt->evidence.operation == rotate_call);
  REQUIRE(world.sent(rotate_call).size() == 1);
  CHECK(world.sent(rotate_call)[0].body.empty());
}

TEST_CASE("a rotation whose answer is lost may have been applied and is sent exactly once, at IBM too") {
  InstanceWorld world;
  world.on(metadata_call, envelope(key_text()));
  if (GENERATE(true, false)) {
    world.on(rotate_call, CloudScript::Reply(network_error(Delivery::maybe_applied)));
  } else {
    world.on(rotate_call, answer(502, "<html>bad gateway</html>"));
  }
  auto const receipt = world.run(world.provider->rotate(world.order(), world.deadline()));
  REQUIRE_FALSE(receipt);
  CHECK(receipt.error().delivery == Delivery::maybe_applied);
  CHECK(world.sent(rotate_call).size() == 1);
}

TEST_CASE("a rotation within the hour is a conflict that tells when the hour is over") {
  InstanceWorld world;
  world.on(metadata_call,
           envelope(key_text(R"(,"lastRotateDate":")" +
                             to_rfc3339(world.loop.clock.wall_now() - std::chrono::minutes(20)) + "\"")));
  world.on(rotate_call, answer(409, reason(" KEY_ROTATION_NOT_PERMITTED")));
  auto const receipt = world.run(world.provider->rotate(world.order(), world.deadline()));
  REQUIRE_FALSE(receipt);
  CHECK(receipt.error().error_class == ErrorClass::conflict);
  CHECK(receipt.error().code == "KEY_ROTATION_NOT_PERMITTED");
  CHECK(receipt.error().delivery == Delivery::refused);
  CHECK(receipt.error().retry_after == std::chrono::minutes(40));
}

TEST_CASE("keys that cannot be rotated are refused before anything is sent") {
  InstanceWorld world(IbmKind::hpcs);
  std::string words;
  auto order = world.order();
  auto error_class = ErrorClass::permanent;
  SECTION("imported") {
    world.on(metadata_call, envelope(key_text(R"(,"imported":true)")));
    words = "new material";
  }
  SECTION("standard key") {
    world.on(metadata_call, envelope(R"({"id":"k-1","state":1,"extractable":true})"));
    words = "standard key";
  }
  SECTION("suspended") {
    world.on(metadata_call, envelope(key_text({}, 2)));
    words = "suspended";
  }
  SECTION("deactivated at HPCS") {
    world.on(metadata_call, envelope(key_text({}, 3)));
    words = "deactivated";
  }
  SECTION("destroyed") {
    world.on(metadata_call, envelope(key_text({}, 5)));
    words = "destroyed";
  }
  SECTION("rotated by somebody else") {
    world.on(metadata_call, envelope(key_text()));
    order.key.current = VersionId("v-1");
    error_class = ErrorClass::conflict;
    words = "v-2, not v-1";
  }
  auto const receipt = world.run(world.provider->rotate(order, world.deadline()));
  REQUIRE_FALSE(receipt);
  CHECK(receipt.error().error_class == error_class);
  CHECK(receipt.error().delivery == Delivery::not_sent);
  CHECK_THAT(receipt.error().what, Catch::Contains(words));
  CHECK(world.sent(rotate_call).empty());
  // Whether there is material is its source's to say.
  if (error_class == ErrorClass::permanent && words != "new material") {
    CHECK_FALSE(world.run(world.provider->preflight_rotate(order.key, world.deadline())));
  }
}

TEST_CASE("preflight tells what a rotation will not change and who else rotates") {
  InstanceWorld world;
  world.on(metadata_call, envelope(key_text(R"(,"rotation":{"enabled":true,"interval_month":3})", 3)));
  auto const ready = world.run(world.provider->preflight_rotate(world.order().key, world.deadline()));
  REQUIRE(ready);
  CHECK(ready->notes.at("provider_rotation") == "3 months of 30 days");
  CHECK(ready->notes.count("deactivated") == 1);
}

TEST_CASE("an unfinished Dedicated instance is transient and says what is missing") {
  InstanceWorld world(IbmKind::key_protect_dedicated);
  world.on(metadata_call, answer(503, "no healthy upstream"));
  auto const ready = world.run(world.provider->preflight_rotate(world.order().key, world.deadline()));
  REQUIRE_FALSE(ready);
  CHECK(ready.error().error_class == ErrorClass::transient);
  CHECK_THAT(ready.error().remedy, Catch::Contains("crypto units"));
}
