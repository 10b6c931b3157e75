#include "tests/contract/azure/arm/arm_caller.hpp"

#include <catch2/catch.hpp>

using namespace rekeyd::sim;
using namespace rekeyd::sim::test;
using std::chrono::minutes;

namespace {

std::string const des1 = std::string(ArmCaller::sets) + "des1";

ArmWorld sets(std::string list) {
  return {std::move(list), "{ name: vm1, disk_encryption_set: des1 }", {}, {}};
}

}  // namespace

TEST_CASE("A set that follows moves to the new version within the hour, and its machines with it") {
  ArmCaller arm(sets("{ name: des1, key: kv1/disk, rotation_to_latest: true }"));
  CHECK(arm.get(des1).value("properties/rotationToLatestKeyVersionEnabled") == true);
  auto const before = arm.current("disk");
  auto const next = arm.rotate("disk");
  CHECK(arm.active_key("des1") == before);
  arm.wait(minutes(61));
  CHECK(arm.active_key("des1") == next);
  CHECK(arm.machine_truth("vm1").key_version == next);
  CHECK_FALSE(arm.get(des1).at("properties/lastKeyRotationTimestamp").empty());
}

TEST_CASE("A set that follows stays where it is while the newest version is disabled") {
  ArmCaller arm(sets("{ name: des1, key: kv1/disk, rotation_to_latest: true }"));
  auto const before = arm.current("disk");
  auto const next = arm.rotate("disk");
  arm.azure.patch("/keys/disk/" + next.substr(next.rfind('/') + 1), {{"attributes", {{"enabled", false}}}});
  arm.wait(std::chrono::hours(2));
  CHECK(arm.active_key("des1") == before);
}

TEST_CASE("Without an identity automatic rotation latches off with an error, until the identity is mended") {
  ArmCaller arm(sets("{ name: des1, key: kv1/disk, rotation_to_latest: true, identity: None }"));
  auto const next = arm.rotate("disk");
  arm.wait(minutes(61));
  CHECK(arm.get(des1).at("properties/autoKeyRotationError/code") == "ManagedServiceIdentityNotFound");
  arm.people_at_set("des1", "restore-identity");
  arm.wait(minutes(61));
  CHECK(arm.active_key("des1") != next);
  arm.patch(des1, {{"identity", {{"type", "SystemAssigned"}}}});
  arm.wait(minutes(65));
  CHECK(arm.active_key("des1") == next);
  CHECK(arm.get(des1).value("properties/autoKeyRotationError").is_null());
}

TEST_CASE("A set that follows sees a rotation that the key's own policy made") {
  ArmWorld world = sets("{ name: des1, key: kv1/ruled, rotation_to_latest: true }");
  world.keys = "{ name: ruled, created: 80 days ago, rotation_policy: { rotate_after_create: P90D } }";
  ArmCaller arm(world);
  auto const before = arm.active_key("des1");
  arm.wait(std::chrono::days(11));
  CHECK(arm.active_key("des1") != before);
  CHECK(arm.active_key("des1") == arm.current("ruled"));
}
