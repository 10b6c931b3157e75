#include "providers/ibm/key_protect.hpp"
#include "providers/ibm/key_protect_provider.hpp"
#include "tests/providers/cloud_script.hpp"
#include "tests/providers/ibm/pay_instance.hpp"

#include <catch2/catch.hpp>

using namespace rekeyd;
using namespace rekeyd::providers;
using namespace rekeyd::test;

namespace {

std::string const metadata_call = "GET /api/v2/keys/k-1/metadata";
std::string const policies_call = "PUT /api/v2/keys/k-1/policies";

struct DelegatingWorld : CloudScript {
  DelegatingWorld() {
    KeyProtectOptions options = test::pay_instance();
    provider = make_key_protect(*client, credentials, loop.clock, random, options);
  }
  /// One more reading of the key shows this rotation, and these members besides.
  void show(std::string const& rotation, std::string const& more = R"("extractable":false)") {
    std::string const own = rotation.empty() ? "" : R"(,"rotation":)" + rotation;
    on(metadata_call, R"({"resources":[{"id":"k-1","state":1,)" + more + own + "}]}");
  }
  Result<Evidence> set(std::optional<Months> every) {
    KeyRef const key{ProviderName("ibm-test"), VaultName("pay"), KeyId("k-1")};
    return loop.run(provider->set_provider_rotation(key, every, deadline()));
  }

  std::unique_ptr<KmsProvider> provider;
};

constexpr char every_three[] = R"({"enabled":true,"interval_month":3})";

std::string refusal(std::string const& code) {
  return R"({"resources":[{"errorMsg":"x","reasons":[{"code":")" + code + R"(","message":"Why."}]}]})";
}

}  // namespace

TEST_CASE("a rotation policy is put at the policies endpoint and read back from the key's metadata") {
  DelegatingWorld world;
  world.show("");
  world.on(policies_call, std::string("{}"));
  world.show(every_three);
  auto const done = world.set(Months::of(3));
  REQUIRE(done);
  CHECK(done->operation == "PUT /api/v2/keys/k-1/policies");
  CHECK(done->notes.at("provider_rotation_before") == "off");
  CHECK(done->notes.at("provider_rotation") == "3 months of 30 days");
  auto const sent = world.sent(policies_call);
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].target == "/api/v2/keys/k-1/policies?policy=rotation");
  CHECK(header_of(sent[0], "Content-Type") == "application/vnd.ibm.kms.policy+json");
  CHECK(
      std::string(sent[0].body) ==
      R"({"metadata":{"collectionType":"application/vnd.ibm.kms.policy+json","collectionTotal":1},)"
      R"("resources":[{"type":"application/vnd.ibm.kms.policy+json","rotation":{"enabled":true,"interval_month":3}}]})");
}

TEST_CASE("a rotation policy is disabled, since it cannot be deleted") {
  DelegatingWorld world;
  world.show(every_three);
  world.on(policies_call, std::string("{}"));
  world.show(R"({"enabled":false,"interval_month":3})");
  auto const done = world.set(std::nullopt);
  REQUIRE(done);
  CHECK(done->notes.at("provider_rotation") == "off");
  CHECK_THAT(std::string(world.sent(policies_call).at(0).body),
             Catch::Contains(R"("rotation":{"enabled":false})"));
}

TEST_CASE("a rotation policy that is as it should be is not put again") {
  DelegatingWorld world;
  auto const [rotation, every] = GENERATE(table<std::string, std::optional<Months>>(
      {{every_three, Months::of(3)}, {"", std::nullopt}, {R"({"enabled":false})", std::nullopt}}));
  world.show(rotation);
  REQUIRE(world.set(every));
  CHECK(world.sent(policies_call).empty());
}

TEST_CASE("imported keys and standard keys get no rotation policy") {
  DelegatingWorld world;
  auto const [members, words] = GENERATE(table<std::string, std::string>(
      {{R"("extractable":false,"imported":true)", "imported"}, {R"("extractable":true)", "standard key"}}));
  world.show("", members);
  auto const refused = world.set(Months::of(3));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().error_class == ErrorClass::permanent);
  CHECK(refused.error().delivery == Delivery::not_sent);
  CHECK_THAT(refused.error().what, Catch::Contains(words));
  CHECK_FALSE(refused.error().remedy.empty());
  CHECK(world.sent(policies_call).empty());
}

TEST_CASE("without the role Manager the error asks for it") {
  DelegatingWorld world;
  world.show("");
  world.on(policies_call, answer(403, refusal("UNAUTHORIZED_ERR")));
  auto const refused = world.set(Months::of(3));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().error_class == ErrorClass::access);
  CHECK(refused.error().code == "UNAUTHORIZED_ERR");
  CHECK_THAT(refused.error().remedy, Catch::Contains("Manager"));
}

TEST_CASE("a rotation policy that the key does not show yet is tried again") {
  DelegatingWorld world;
  world.show(R"({"enabled":true,"interval_month":6})");
  world.on(policies_call, std::string("{}"));
  auto const done = world.set(Months::of(3));
  REQUIRE_FALSE(done);
  CHECK(done.error().error_class == ErrorClass::transient);
  CHECK_THAT(done.error().what, Catch::Contains("6 months of 30 days"));
}

TEST_CASE("a refused rotation policy brings the service's own reason") {
  DelegatingWorld world;
  world.show("");
  world.on(policies_call, answer(400, refusal("INVALID_FIELD_ERR")));
  auto const refused = world.set(Months::of(3));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().error_class == ErrorClass::permanent);
  CHECK(refused.error().code == "INVALID_FIELD_ERR");
}
