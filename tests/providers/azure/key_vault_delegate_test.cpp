#include "tests/providers/azure/vault_world.hpp"

#include <catch2/catch.hpp>

using namespace rekeyd;
using namespace rekeyd::providers;
using namespace rekeyd::test;

namespace {

std::string const read_policy = "GET /keys/cmk/rotationpolicy";
std::string const put_policy = "PUT /keys/cmk/rotationpolicy";

std::string policy(std::string const& rotate_after, std::string const& expiry = {}) {
  std::string const rotate = rotate_after.empty() ? ""
                                                  : R"({"trigger":{"timeAfterCreate":")" + rotate_after +
                                                        R"("},"action":{"type":"Rotate"}},)";
  std::string const attributes = expiry.empty() ? "" : R"("expiryTime":")" + expiry + "\"";
  return R"({"lifetimeActions":[)" + rotate +
         R"({"trigger":{"timeBeforeExpiry":"P30D"},"action":{"type":"Notify"}}],"attributes":{)" +
         attributes + "}}";
}

std::string forbidden() {
  return R"({"error":{"code":"Forbidden","message":"no","innererror":{"code":"ForbiddenByRbac"}}})";
}

Result<Evidence> set(VaultWorld& world, std::optional<Months> every) {
  return world.run(world.provider->set_provider_rotation(world.key(), every, world.deadline()));
}

}  // namespace

TEST_CASE("a provider's rotation is put beside what the key's policy has already, with proof of both") {
  VaultWorld world(GENERATE(AzureKind::key_vault, AzureKind::managed_hsm));
  CHECK(world.provider->capabilities(world.key()).rotates_by_itself);
  world.show_versions({world.version('1')});
  world.on(read_policy, policy("P90D", "P2Y"));
  world.on(put_policy, policy("P3M", "P2Y"));
  auto const done = set(world, Months::of(3));
  REQUIRE(done);
  CHECK(done->operation == "PUT /keys/cmk/rotationpolicy");
  CHECK(done->notes.at("provider_rotation_before") == "P90D");
  CHECK(done->notes.at("provider_rotation") == "P3M");
  auto const sent = world.sent(put_policy);
  REQUIRE(sent.size() == 1);
  CHECK(std::string(sent[0].body) == policy("P3M", "P2Y"));
}

TEST_CASE("a provider's rotation is switched off alone, and notices and expiry stay") {
  VaultWorld world;
  world.show_versions({world.version('1')});
  world.on(read_policy, policy("P3M", "P2Y"));
  world.on(put_policy, policy("", "P2Y"));
  auto const done = set(world, std::nullopt);
  REQUIRE(done);
  CHECK(done->notes.at("provider_rotation") == "off");
  REQUIRE(world.sent(put_policy).size() == 1);
  CHECK(std::string(world.sent(put_policy)[0].body) == policy("", "P2Y"));
}

TEST_CASE("a rotation that is as it should be is not set again") {
  VaultWorld world;
  world.show_versions({world.version('1')});
  auto const [text, every, words] = GENERATE(table<std::string, std::optional<Months>, std::string>(
      {{"P3M", Months::of(3), "P3M"}, {"P1Y", Months::of(12), "P1Y"}, {"", std::nullopt, "off"}}));
  world.on(read_policy, policy(text));
  auto const done = set(world, every);
  REQUIRE(done);
  CHECK(done->notes.at("provider_rotation") == words);
  CHECK(world.sent(put_policy).empty());
}

TEST_CASE("a key without a policy gets one") {
  VaultWorld world;
  world.show_versions({world.version('1')});
  world.on(read_policy, answer(404, R"({"error":{"code":"KeyNotFound","message":"none"}})"));
  world.on(put_policy, policy("P1M"));
  REQUIRE(set(world, Months::of(1)));
  CHECK(
      std::string(world.sent(put_policy).at(0).body) ==
      R"({"lifetimeActions":[{"trigger":{"timeAfterCreate":"P1M"},"action":{"type":"Rotate"}}],"attributes":{}})");
}

TEST_CASE("the next version of an imported key and of a certificate's key is not the service's to make") {
  VaultWorld world;
  auto key = world.version('1');
  std::string words;
  SECTION("imported") {
    key.members["tags"] = R"({"rekeyd-origin":"imported"})";
    words = "imported";
  }
  SECTION("of a certificate") {
    key.members["managed"] = "true";
    words = "certificate";
  }
  world.show_versions({key});
  auto const refused = set(world, Months::of(3));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().error_class == ErrorClass::permanent);
  CHECK(refused.error().delivery == Delivery::not_sent);
  CHECK_THAT(refused.error().what, Catch::Contains(words));
  CHECK_FALSE(refused.error().remedy.empty());
  CHECK(world.sent(read_policy).empty());
}

TEST_CASE("without the right to set rotation policies the error names the role") {
  auto const [kind, role] =
      GENERATE(table<AzureKind, std::string>({{AzureKind::key_vault, "Key Vault Crypto Officer"},
                                              {AzureKind::managed_hsm, "Managed HSM Crypto User"}}));
  VaultWorld world(kind);
  world.show_versions({world.version('1')});
  world.on(read_policy, policy(""));
  world.on(put_policy, answer(403, forbidden()));
  auto const refused = set(world, Months::of(3));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().error_class == ErrorClass::access);
  CHECK_THAT(refused.error().remedy, Catch::Contains(role) && Catch::Contains("Set Rotation Policy"));
}

TEST_CASE("a policy that the service refuses for its expiry says what to change") {
  VaultWorld world;
  world.show_versions({world.version('1')});
  world.on(read_policy, policy("", "P90D"));
  world.on(put_policy, answer(400, R"({"error":{"code":"BadParameter","message":"too close to expiry"}})"));
  auto const refused = set(world, Months::of(3));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().error_class == ErrorClass::permanent);
  CHECK_THAT(refused.error().what, Catch::Contains("too close to expiry"));
  CHECK_THAT(refused.error().remedy, Catch::Contains("P90D") && Catch::Contains("lengthen"));
}

TEST_CASE("an answer that does not confirm the rotation is no success") {
  VaultWorld world;
  world.show_versions({world.version('1')});
  world.on(read_policy, policy(""));
  world.on(put_policy, GENERATE(policy(""), policy("P6M"), std::string("<html>")));
  auto const done = set(world, Months::of(3));
  REQUIRE_FALSE(done);
  CHECK(done.error().error_class == ErrorClass::malformed);
}

TEST_CASE("a key or policy that cannot be read gets no rotation") {
  VaultWorld world;
  std::string const failing = GENERATE("GET /keys/cmk", "GET /keys/cmk/rotationpolicy");
  world.show_versions({world.version('1')});
  world.on(read_policy, policy(""));
  world.clear(failing);
  world.on(failing, answer(403, forbidden()));
  auto const refused = set(world, Months::of(3));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().error_class == ErrorClass::access);
  CHECK(world.sent(put_policy).empty());
}
