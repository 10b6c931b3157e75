#include "tests/providers/ibm/instance_world.hpp"

#include <catch2/catch.hpp>

using namespace rekeyd;
using namespace rekeyd::providers;
using namespace rekeyd::test;

TEST_CASE("a rewrap is the service's, keeps the order of the additional data, and names the new version") {
  InstanceWorld world;
  auto wrapped = world.dek();
  wrapped.aad = {"z", "a"};
  world.on(rewrap_call,
           R"({"ciphertext":"bmV3","keyVersion":{"id":"v-1"},"rewrappedKeyVersion":{"id":"v-2"}})");
  auto const rewrapped =
      world.run(world.provider->rewrap(wrapped, VersionId("v-2"), false, world.deadline()));
  REQUIRE(rewrapped);
  CHECK(rewrapped->dek.ciphertext == "bmV3");
  CHECK(rewrapped->dek.version == VersionId("v-2"));
  CHECK(rewrapped->dek.aad == wrapped.aad);
  CHECK(rewrapped->evidence.notes.at("wrapped_before_by") == "v-1");
  CHECK(world.sent(rewrap_call)[0].body == Body(R"({"ciphertext":"b2xk","aad":["z","a"]})"));
}

TEST_CASE("a DEK of another key is wrapped by the version that is current, and by no other") {
  InstanceWorld world;
  auto as = world.dek();
  as.version = VersionId("v-2");
  as.algorithm = "RSA-OAEP-256";
  as.aad = {"z", "a"};
  auto const [body, error_class] = GENERATE(table<std::string, std::optional<ErrorClass>>({
      {R"({"ciphertext":"bmV3","keyVersion":{"id":"v-2"}})", std::nullopt},
      {R"({"ciphertext":"bmV3","keyVersion":{"id":"v-3"}})", ErrorClass::conflict},
      {R"({"ciphertext":"bmV3"})", ErrorClass::malformed},
      {R"({"ciphertext":"***","keyVersion":{"id":"v-2"}})", ErrorClass::malformed},
      {R"({"keyVersion":{"id":"v-2"}})", ErrorClass::malformed},
  }));
  world.on(wrap_call, body);
  auto const wrapped =
      world.run(world.provider->wrap(Secret(std::string_view("dek")), as, false, world.deadline()));
  REQUIRE(wrapped.has_value() == !error_class);
  CHECK(world.sent(wrap_call)[0].body == Body(R"({"plaintext":"ZGVr","aad":["z","a"]})"));
  if (error_class) {
    CHECK(wrapped.error().error_class == *error_class);
    return;
  }
  CHECK(wrapped->dek.ciphertext == "bmV3");
  CHECK(wrapped->dek.algorithm.empty());
  CHECK(wrapped->dek.aad == as.aad);
}

TEST_CASE(
    "the version of a re-wrapped DEK is proved by the answer or by the WDEK itself, else not believed") {
  InstanceWorld world;
  auto const handled = to_base64(R"({"handle":"v-2"})");
  auto const [body, error_class] = GENERATE_COPY(table<std::string, std::optional<ErrorClass>>({
      {R"({"ciphertext":")" + handled + "\"}", std::nullopt},
      {R"({"ciphertext":"bmV3"})", ErrorClass::malformed},
      {R"({"ciphertext":"bmV3","rewrappedKeyVersion":{"id":"v-3"}})", ErrorClass::conflict},
      {R"({"rewrappedKeyVersion":{"id":"v-2"}})", ErrorClass::malformed},
      {R"({"ciphertext":"***","rewrappedKeyVersion":{"id":"v-2"}})", ErrorClass::malformed},
      {"<html>", ErrorClass::malformed},
  }));
  world.on(rewrap_call, body);
  auto const rewrapped =
      world.run(world.provider->rewrap(world.dek(), VersionId("v-2"), false, world.deadline()));
  REQUIRE(rewrapped.has_value() == !error_class);
  if (error_class) CHECK(rewrapped.error().error_class == *error_class);
}

TEST_CASE("a wrapped DEK of another key is refused for good") {
  InstanceWorld world;
  world.on(rewrap_call, answer(422, reason("UNPROCESSABLE_CIPHERTEXT_ERR")));
  auto const rewrapped =
      world.run(world.provider->rewrap(world.dek(), VersionId("v-2"), false, world.deadline()));
  REQUIRE_FALSE(rewrapped);
  CHECK(rewrapped.error().error_class == ErrorClass::permanent);
  CHECK(rewrapped.error().code == "UNPROCESSABLE_CIPHERTEXT_ERR");
  auto broken = world.dek();
  broken.ciphertext = GENERATE("", "not base64!");
  CHECK_FALSE(world.run(world.provider->rewrap(broken, VersionId("v-2"), false, world.deadline())));
  CHECK(world.sent(rewrap_call).size() == 1);
}

TEST_CASE("an unwrap gives the DEK and finds out a record that names the wrong version") {
  InstanceWorld world;
  world.on(
      unwrap_call,
      R"({"plaintext":"ZGVr","keyVersion":{"id":"v-1"},"ciphertext":"bmV3","rewrappedKeyVersion":{"id":"v-2"}})");
  auto const plain = world.run(world.provider->unwrap(world.dek(), world.deadline()));
  REQUIRE(plain);
  CHECK(plain->same_as(Secret("dek")));
  auto mislabelled = world.dek();
  mislabelled.version = VersionId("v-2");
  auto const refused = world.run(world.provider->unwrap(mislabelled, world.deadline()));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().error_class == ErrorClass::conflict);
}
