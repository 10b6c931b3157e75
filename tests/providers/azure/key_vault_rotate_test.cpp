#include "tests/providers/azure/vault_world.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

using namespace rekeyd;
using namespace rekeyd::providers;
using namespace rekeyd::test;

namespace {

constexpr char create_call[] = "POST /keys/cmk/create";
constexpr char rotate_call[] = "POST /keys/cmk/rotate";
constexpr char get_policy[] = "GET /keys/cmk/rotationpolicy";
constexpr char put_policy[] = "PUT /keys/cmk/rotationpolicy";
constexpr char no_policy[] = R"({"lifetimeActions":[],"attributes":{}})";

BundleText made(VaultWorld const& world, std::string const& operation = "op-1") {
  auto text = world.version('2', 5'000'000);
  if (!operation.empty()) text.members["tags"] = R"({"rekeyd-op":")" + operation + "\"}";
  return text;
}

}  // namespace

TEST_CASE("a rotation by create carries the operation id and what the old version had") {
  VaultWorld world;
  auto old = world.version('1');
  old.members["tags"] = R"({"tier":"pci"})";
  world.show_versions({old});
  world.on(create_call, made(world).str());
  auto const receipt = world.run(world.provider->rotate(world.order(), world.deadline()));
  REQUIRE(receipt);
  REQUIRE(receipt->version);
  CHECK(receipt->version->id == VersionId(version_id('2')));
  CHECK(receipt->version->operation == RotationId("op-1"));
  CHECK(receipt->evidence.notes.at("rotation_call") == "create");
  auto const sent = world.sent(create_call);
  REQUIRE(sent.size() == 1);
  auto const body = boost::json::parse(std::string(sent[0].body));
  CHECK(body.at("kty") == "RSA-HSM");
  CHECK(body.at("key_size") == 2048);
  CHECK(body.at("tags") == boost::json::parse(R"({"tier":"pci","rekeyd-op":"op-1"})"));
}

TEST_CASE("a rotation by rotate has no body") {
  VaultWorld world;
  world.options.rotate_by = AzureRotateBy::rotate;
  world.restart();
  world.show_versions({world.version('1')});
  world.on(rotate_call, made(world, {}).str());
  auto const receipt = world.run(world.provider->rotate(world.order(), world.deadline()));
  REQUIRE(receipt);
  REQUIRE(world.sent(rotate_call).size() == 1);
  CHECK(world.sent(rotate_call)[0].body.empty());
  CHECK(receipt->evidence.notes.at("rotation_call") == "rotate");
}

TEST_CASE("a key with 15 tags falls back to rotate, and preflight says why") {
  VaultWorld world;
  auto old = world.version('1');
  std::string tags = "{";
  for (int i = 0; i < 15; ++i) tags += (i == 0 ? "\"t" : ",\"t") + std::to_string(i) + "\":\"v\"";
  old.members["tags"] = tags + "}";
  world.show_versions({old});
  world.on(rotate_call, made(world, {}).str());
  auto order = world.order();
  auto const ready = world.run(world.provider->preflight_rotate(order.key, world.deadline()));
  REQUIRE(ready);
  CHECK(ready->notes.at("rotation_call") == "rotate");
  CHECK_THAT(ready->notes.at("rotation_call_reason"), Catch::Contains("15 tags"));
  CHECK(world.run(world.provider->rotate(order, world.deadline())));
  CHECK(world.sent(create_call).empty());
}

TEST_CASE("a rotation whose answer is lost may have been applied and is sent exactly once") {
  VaultWorld world;
  world.show_versions({world.version('1')});
  auto const reply = GENERATE(0, 1, 2);
  if (reply == 0) world.on(create_call, CloudScript::Reply(network_error(Delivery::maybe_applied)));
  if (reply == 1) world.on(create_call, answer(503, "busy"));
  if (reply == 2) world.on(create_call, answer(504, "<html>"));
  auto const receipt = world.run(world.provider->rotate(world.order(), world.deadline()));
  REQUIRE_FALSE(receipt);
  CHECK(receipt.error().error_class == ErrorClass::transient);
  CHECK(receipt.error().delivery == Delivery::maybe_applied);
  CHECK(world.sent(create_call).size() == 1);
}

TEST_CASE("an answer that cannot be believed leaves open whether the version was made") {
  VaultWorld world;
  world.show_versions({world.version('1')});
  auto reply = made(world);
  std::string words;
  SECTION("another key") {
    reply.name = "other";
    words = "another key";
  }
  SECTION("another vault") {
    reply.host = "other.vault.azure.net";
    words = "another key";
  }
  SECTION("the old version") {
    reply.version = version_id('1');
    words = "old version";
  }
  SECTION("without our operation id") {
    reply.members.clear();
    words = "operation id";
  }
  SECTION("without version") {
    reply.kid = R"("https://pay.vault.azure.net/keys/cmk")";
    words = "key.kid";
  }
  SECTION("truncated") {
    reply.key = R"({"kid":"https)";
    words = "not JSON";
  }
  world.on(create_call, answer(200, reply.str(), {{"x-ms-request-id", "r-1"}}));
  auto const receipt = world.run(world.provider->rotate(world.order(), world.deadline()));
  REQUIRE_FALSE(receipt);
  CHECK(receipt.error().error_class == ErrorClass::malformed);
  CHECK(receipt.error().delivery == Delivery::maybe_applied);
  CHECK_THAT(receipt.error().what, Catch::Contains(words));
  CHECK(world.sent(create_call).size() == 1);
}

TEST_CASE("a rotation that the service refuses was not applied") {
  VaultWorld world;
  world.show_versions({world.version('1')});
  world.on(
      create_call,
      answer(
          403,
          R"({"error":{"code":"Forbidden","message":"Caller is not authorized","innererror":{"code":"ForbiddenByRbac"}}})"));
  auto const receipt = world.run(world.provider->rotate(world.order(), world.deadline()));
  REQUIRE_FALSE(receipt);
  CHECK(receipt.error().error_class == ErrorClass::access);
  CHECK(receipt.error().delivery == Delivery::refused);
  CHECK(receipt.error().code == "ForbiddenByRbac");
}

TEST_CASE("a 401 on create is repeated once with a fresh token: it says that nothing was done") {
  VaultWorld world;
  world.show_versions({world.version('1')});
  world.on(create_call, answer(401, "", {{"WWW-Authenticate", vault_challenge}}));
  world.on(create_call, made(world).str());
  CHECK(world.run(world.provider->rotate(world.order(), world.deadline())));
  CHECK(world.sent(create_call).size() == 2);
}

TEST_CASE("nothing is rotated when the key is not what the order says") {
  VaultWorld world;
  auto current = world.version('1');
  auto order = world.order();
  auto error_class = ErrorClass::permanent;
  SECTION("rotated by somebody else") {
    order.key.current = VersionId(version_id('0'));
    error_class = ErrorClass::conflict;
  }
  SECTION("disabled") { current.attributes["enabled"] = "false"; }
  SECTION("of a certificate") { current.members["managed"] = "true"; }
  SECTION("outside Azure") { current.attributes["external_key"] = R"({"id":"abc"})"; }
  SECTION("gone") {
    error_class = ErrorClass::not_found;
    current.host = "";
  }
  if (!current.host.empty()) world.show_versions({current});
  auto const receipt = world.run(world.provider->rotate(order, world.deadline()));
  REQUIRE_FALSE(receipt);
  CHECK(receipt.error().error_class == error_class);
  CHECK(receipt.error().delivery == Delivery::not_sent);
  CHECK(world.sent(create_call).empty());
  CHECK(world.sent(rotate_call).empty());
  if (error_class == ErrorClass::permanent) {
    auto const ready = world.run(world.provider->preflight_rotate(order.key, world.deadline()));
    REQUIRE_FALSE(ready);
    CHECK(ready.error().error_class == ErrorClass::permanent);
    CHECK_FALSE(ready.error().remedy.empty());
  }
}

TEST_CASE("a lost answer while looking at the key is no lost rotation") {
  VaultWorld world;
  world.on("GET /keys/cmk", CloudScript::Reply(network_error(Delivery::maybe_applied)));
  auto const receipt = world.run(world.provider->rotate(world.order(), world.deadline()));
  REQUIRE_FALSE(receipt);
  CHECK(receipt.error().delivery == Delivery::not_sent);
}

TEST_CASE(
    "a Managed HSM key without a rotation policy is refused with the way out, unless a neutral one may be "
    "set") {
  VaultWorld world(AzureKind::managed_hsm);
  world.options.rotate_by = AzureRotateBy::rotate;
  world.restart();
  world.show_versions({world.version('1')});
  world.on(rotate_call, made(world, {}).str());
  SECTION("answered with 404") {}
  SECTION("answered with an empty one") { world.on(get_policy, no_policy); }
  auto const ready = world.run(world.provider->preflight_rotate(world.order().key, world.deadline()));
  REQUIRE_FALSE(ready);
  CHECK(ready.error().error_class == ErrorClass::permanent);
  CHECK_THAT(ready.error().remedy, Catch::Contains("set_neutral_rotation_policy"));
  auto const receipt = world.run(world.provider->rotate(world.order(), world.deadline()));
  REQUIRE_FALSE(receipt);
  CHECK(receipt.error().delivery == Delivery::not_sent);
  CHECK(world.sent(rotate_call).empty());
}

TEST_CASE("a neutral policy is put first, and both preflight and receipt note it") {
  VaultWorld world(AzureKind::managed_hsm);
  world.options.rotate_by = AzureRotateBy::rotate;
  world.options.set_neutral_rotation_policy = true;
  world.restart();
  world.show_versions({world.version('1')});
  world.on(get_policy, no_policy);
  world.on(put_policy, answer(200, no_policy, {{"x-ms-request-id", "put-1"}}));
  world.on(rotate_call, made(world, {}).str());
  auto const ready = world.run(world.provider->preflight_rotate(world.order().key, world.deadline()));
  REQUIRE(ready);
  CHECK(ready->notes.at("neutral_rotation_policy") == "will be set");
  CHECK(world.sent(put_policy).empty());
  auto const receipt = world.run(world.provider->rotate(world.order(), world.deadline()));
  REQUIRE(receipt);
  CHECK(receipt->evidence.notes.at("neutral_rotation_policy") == "set");
  CHECK(receipt->evidence.notes.at("neutral_rotation_policy_request_id") == "put-1");
  REQUIRE(world.sent(put_policy).size() == 1);
  CHECK(world.sent(put_policy)[0].body ==
        Body(R"({"lifetimeActions":[],"attributes":{"expiryTime":"P10Y"}})"));
}

TEST_CASE("a policy that could not be set means that no rotation was sent") {
  VaultWorld world(AzureKind::managed_hsm);
  world.options.rotate_by = AzureRotateBy::rotate;
  world.options.set_neutral_rotation_policy = true;
  world.restart();
  world.show_versions({world.version('1')});
  world.on(put_policy, CloudScript::Reply(network_error(Delivery::maybe_applied)));
  auto const receipt = world.run(world.provider->rotate(world.order(), world.deadline()));
  REQUIRE_FALSE(receipt);
  CHECK(receipt.error().delivery == Delivery::not_sent);
  CHECK(world.sent(rotate_call).empty());
}

TEST_CASE("a policy that may not be read is not overwritten") {
  VaultWorld world(AzureKind::managed_hsm);
  world.options.rotate_by = AzureRotateBy::rotate;
  world.options.set_neutral_rotation_policy = true;
  world.restart();
  world.show_versions({world.version('1')});
  world.on(get_policy, answer(403));
  auto const receipt = world.run(world.provider->rotate(world.order(), world.deadline()));
  REQUIRE_FALSE(receipt);
  CHECK(receipt.error().error_class == ErrorClass::access);
  CHECK(world.sent(put_policy).empty());
}

TEST_CASE("an existing policy stays as it is") {
  VaultWorld world(AzureKind::managed_hsm);
  world.options.rotate_by = AzureRotateBy::rotate;
  world.options.set_neutral_rotation_policy = true;
  world.restart();
  world.show_versions({world.version('1')});
  world.on(get_policy, R"({"lifetimeActions":[],"attributes":{"expiryTime":"P2Y"}})");
  world.on(rotate_call, made(world, {}).str());
  CHECK(world.run(world.provider->rotate(world.order(), world.deadline())));
  CHECK(world.sent(put_policy).empty());
}

TEST_CASE("Managed HSM by create needs no policy") {
  VaultWorld world(AzureKind::managed_hsm);
  world.show_versions({world.version('1')});
  world.on(create_call, made(world).str());
  CHECK(world.run(world.provider->preflight_rotate(world.order().key, world.deadline())));
  CHECK(world.run(world.provider->rotate(world.order(), world.deadline())));
  CHECK(world.sent(get_policy).empty());
}

TEST_CASE("a Managed HSM key with 100 versions cannot be rotated, one with 99 can") {
  VaultWorld world(AzureKind::managed_hsm);
  auto const count = GENERATE(99, 100);
  std::vector<BundleText> versions;
  for (int i = 0; i < count; ++i) {
    versions.push_back(world.version('1', i));
    versions.back().version = std::to_string(10'000 + i);
  }
  world.show_versions(versions);
  auto const ready = world.run(world.provider->preflight_rotate(world.order().key, world.deadline()));
  REQUIRE(ready.has_value() == (count == 99));
  if (ready) {
    CHECK(ready->notes.at("versions") == "99 of 100");
  } else {
    CHECK(ready.error().error_class == ErrorClass::permanent);
    CHECK_THAT(ready.error().what, Catch::Contains("100 versions"));
  }
}
