#include "providers/azure/wrap_target.hpp"
#include "providers/encoding.hpp"
#include "tests/providers/azure/rsa_key.hpp"
#include "tests/providers/azure/vault_world.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

using namespace rekeyd;
using namespace rekeyd::providers;
using namespace rekeyd::test;

namespace {

std::string const dek_bytes = "0123456789abcdef0123456789abcdef";
std::string const unwrap_call = "POST /keys/cmk/" + version_id('1') + "/unwrapkey";
std::string const wrap_call = "POST /keys/cmk/" + version_id('2') + "/wrapkey";
std::string const look_call = "GET /keys/cmk/" + version_id('2');

BundleText rsa_target(VaultWorld const& world) {
  auto text = world.version('2', 100);
  text.modulus = rsa_key().modulus();
  text.exponent = rsa_key().exponent();
  return text;
}

std::string result(char version, std::string const& bytes) {
  return R"({"kid":"https://pay.vault.azure.net/keys/cmk/)" + version_id(version) + R"(","value":")" +
         to_base64url(bytes) + "\"}";
}

WrappedDek dek(VaultWorld const& world, std::string const& algorithm = "RSA-OAEP-256") {
  WrappedDek wrapped;
  wrapped.id = DekId("dek-1");
  wrapped.key = world.key();
  wrapped.version = VersionId(version_id('1'));
  wrapped.algorithm = algorithm;
  wrapped.ciphertext = to_base64url(std::string(256, 'w'));
  return wrapped;
}

Result<Rewrapped> rewrap(VaultWorld& world, WrappedDek wrapped, bool at_service = false) {
  return world.run(
      world.provider->rewrap(std::move(wrapped), VersionId(version_id('2')), at_service, world.deadline()));
}

}  // namespace

TEST_CASE(
    "a DEK is unwrapped with the version and algorithm that wrapped it, and wrapped here with the new one") {
  VaultWorld world;
  world.on(look_call, rsa_target(world).str());
  world.on(unwrap_call, result('1', dek_bytes));
  std::string const algorithm = GENERATE("RSA-OAEP-256", "RSA-OAEP", "RSA1_5", "A256KW");
  auto const rewrapped = rewrap(world, dek(world, algorithm));
  REQUIRE(rewrapped);
  CHECK(rewrapped->dek.version == VersionId(version_id('2')));
  CHECK(rewrapped->dek.algorithm == "RSA-OAEP-256");
  CHECK(rewrapped->dek.id == DekId("dek-1"));
  CHECK(rsa_key().unwrap_oaep_256(rewrapped->dek.ciphertext) == dek_bytes);
  CHECK(rewrapped->evidence.notes.at("wrap") == "local");
  auto const sent = world.sent(unwrap_call);
  REQUIRE(sent.size() == 1);
  CHECK(boost::json::parse(std::string(sent[0].body)).at("alg").as_string() == algorithm.c_str());
  CHECK(world.sent(wrap_call).empty());
}

TEST_CASE("what a rewrap waits for room under the limits takes none of its calls' time") {
  VaultWorld world;
  world.options.limits = std::make_shared<azure::VaultLimits>(world.loop.clock);
  auto const& vault = world.options.vaults.front().endpoint;
  world.options.limits->add(vault, AzureKind::key_vault, 50);
  world.restart();
  world.on(look_call, rsa_target(world).str());
  world.on(unwrap_call, result('1', dek_bytes));
  world.on(wrap_call, result('2', std::string(256, 'v')));
  auto const reading = world.options.limits->charges(vault, "GET", "/keys/cmk");
  auto const before = world.loop.clock.mono_now();
  reading.front().allowance->allowance.hold(before + std::chrono::minutes(9));
  auto const rewrapped = world.run(
      world.provider->rewrap(dek(world), VersionId(version_id('2')), true, before + std::chrono::minutes(2)));
  REQUIRE(rewrapped);
  CHECK(world.loop.clock.mono_now() >= before + std::chrono::minutes(9));
  CHECK(world.client->counters().waited >= std::chrono::minutes(9));
}

TEST_CASE("one look at the new version serves the DEKs of a minute, then it is taken again") {
  VaultWorld world;
  world.on(look_call, rsa_target(world).str());
  world.on(unwrap_call, result('1', dek_bytes));
  for (int i = 0; i < 20; ++i) REQUIRE(rewrap(world, dek(world)));
  CHECK(world.sent(look_call).size() == 1);
  world.loop.clock.advance(std::chrono::seconds(61));
  REQUIRE(rewrap(world, dek(world)));
  CHECK(world.sent(look_call).size() == 2);
}

TEST_CASE("switching a version ends the trust in the last look at it") {
  VaultWorld world;
  world.on(look_call, rsa_target(world).str());
  world.on(unwrap_call, result('1', dek_bytes));
  REQUIRE(rewrap(world, dek(world)));
  auto off = rsa_target(world);
  off.attributes["enabled"] = "false";
  world.on("PATCH /keys/cmk/" + version_id('2'), off.str());
  REQUIRE(world.run(
      world.provider->set_version_enabled(world.key(), VersionId(version_id('2')), false, world.deadline())));
  world.clear(look_call);
  world.on(look_call, off.str());
  auto const refused = rewrap(world, dek(world));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().error_class == ErrorClass::conflict);
}

TEST_CASE("no DEK is unwrapped for a version that must not wrap") {
  VaultWorld world;
  auto target = rsa_target(world);
  auto error_class = ErrorClass::conflict;
  SECTION("disabled") { target.attributes["enabled"] = "false"; }
  SECTION("expired") { target.attributes["exp"] = "1779999999"; }
  SECTION("not yet valid") { target.attributes["nbf"] = "1780000900"; }
  SECTION("not for wrapping") {
    target.operations = R"(["sign"])";
    error_class = ErrorClass::permanent;
  }
  SECTION("an EC key") {
    target.kty = "EC-HSM";
    error_class = ErrorClass::permanent;
  }
  SECTION("no RSA key after all") {
    target.modulus = "AQAB";
    error_class = ErrorClass::malformed;
  }
  SECTION("another version") {
    target.version = version_id('3');
    error_class = ErrorClass::malformed;
  }
  world.on(look_call, target.str());
  world.on(unwrap_call, result('1', dek_bytes));
  auto const refused = rewrap(world, dek(world));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().error_class == error_class);
  CHECK(world.sent(unwrap_call).empty());
}

TEST_CASE("the service wraps where that is asked for") {
  VaultWorld world;
  world.on(look_call, rsa_target(world).str());
  world.on(unwrap_call, answer(200, result('1', dek_bytes), {{"x-ms-request-id", "u-1"}}));
  world.on(wrap_call, answer(200, result('2', std::string(256, 'n')), {{"x-ms-request-id", "w-1"}}));
  auto const rewrapped = rewrap(world, dek(world, "RSA-OAEP"), true);
  REQUIRE(rewrapped);
  CHECK(rewrapped->dek.ciphertext == to_base64url(std::string(256, 'n')));
  CHECK(rewrapped->dek.algorithm == "RSA-OAEP-256");
  CHECK(rewrapped->evidence.request_id == "w-1");
  CHECK(rewrapped->evidence.notes.at("unwrap_request_id") == "u-1");
  auto const body = boost::json::parse(std::string(world.sent(wrap_call).front().body));
  CHECK(body.at("alg") == "RSA-OAEP-256");
  CHECK(body.at("value").as_string() == to_base64url(dek_bytes).c_str());
}

TEST_CASE("AES key wrap stays what it is, at the service") {
  VaultWorld world;
  auto target = world.version('2');
  target.kty = "oct-HSM";
  world.on(look_call, target.str());
  world.on(unwrap_call, result('1', dek_bytes));
  world.on(wrap_call, result('2', std::string(40, 'n')));
  auto const rewrapped = rewrap(world, dek(world, "A256KW"));
  REQUIRE(rewrapped);
  CHECK(rewrapped->dek.algorithm == "A256KW");
  CHECK(rewrapped->evidence.notes.at("wrap") == "service");
  auto const impossible = rewrap(world, dek(world, "RSA-OAEP"));
  REQUIRE_FALSE(impossible);
  CHECK(impossible.error().error_class == ErrorClass::permanent);
}

TEST_CASE("a DEK of a length that the algorithm cannot wrap is refused") {
  VaultWorld world;
  std::string algorithm = "RSA-OAEP-256";
  std::size_t size = 191;
  auto target = rsa_target(world);
  SECTION("too long for RSA") {}
  SECTION("not whole blocks for AES") {
    target.kty = "oct-HSM";
    algorithm = "A256KW";
    size = 20;
  }
  SECTION("too short for AES") {
    target.kty = "oct-HSM";
    algorithm = "A256KW";
    size = 8;
  }
  world.on(look_call, target.str());
  world.on(unwrap_call, result('1', std::string(size, 'k')));
  auto const refused = rewrap(world, dek(world, algorithm));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().error_class == ErrorClass::permanent);
  CHECK_THAT(refused.error().where, Catch::Contains("dek-1"));
  CHECK(world.sent(wrap_call).empty());
}

TEST_CASE("a record that is no wrapped DEK never reaches the service") {
  VaultWorld world;
  world.on(look_call, rsa_target(world).str());
  auto wrapped = dek(world);
  SECTION("algorithm") { wrapped.algorithm = "RSA-OAEP-256\",\"x\":\""; }
  SECTION("empty algorithm") { wrapped.algorithm.clear(); }
  SECTION("version") { wrapped.version = VersionId("../../secrets"); }
  SECTION("no version") { wrapped.version = VersionId(); }
  SECTION("ciphertext") { wrapped.ciphertext = "not base64url!"; }
  SECTION("no ciphertext") { wrapped.ciphertext.clear(); }
  SECTION("additional data") { wrapped.aad = {"context"}; }
  auto const refused = rewrap(world, wrapped);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().error_class == ErrorClass::permanent);
  CHECK_THAT(refused.error().where, Catch::Contains("dek-1"));
  auto const unread = world.run(world.provider->unwrap(wrapped, world.deadline()));
  REQUIRE_FALSE(unread);
  CHECK(unread.error().error_class == ErrorClass::permanent);
  CHECK(world.sent(unwrap_call).empty());
}

TEST_CASE("an answer to unwrap that cannot be believed is malformed and not quoted") {
  VaultWorld world;
  world.on(look_call, rsa_target(world).str());
  std::string const secret = to_base64url(dek_bytes);
  auto const body = GENERATE_COPY(
      result('3', dek_bytes), R"({"value":")" + secret + "\"}", R"({"kid":7,"value":")" + secret + "\"}",
      R"({"kid":"https://pay.vault.azure.net/keys/cmk/)" + version_id('1') + R"(","value":"###"})",
      R"({"value":")" + secret);
  world.on(unwrap_call, body);
  auto const refused = rewrap(world, dek(world));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().error_class == ErrorClass::malformed);
  CHECK_THAT(to_text(refused.error()), !Catch::Contains(secret));
}

TEST_CASE("an answer to wrap that cannot be believed is malformed") {
  VaultWorld world;
  world.on(look_call, rsa_target(world).str());
  world.on(unwrap_call, result('1', dek_bytes));
  auto const body = GENERATE(result('1', std::string(256, 'n')), result('2', dek_bytes), result('2', ""),
                             std::string("<html>"));
  world.on(wrap_call, body);
  auto const refused = rewrap(world, dek(world), true);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().error_class == ErrorClass::malformed);
}

TEST_CASE("an old version that is disabled cannot unwrap: that is a conflict to be mended") {
  VaultWorld world;
  world.on(look_call, rsa_target(world).str());
  world.on(
      unwrap_call,
      answer(
          403,
          R"({"error":{"code":"Forbidden","message":"Operation unwrapKey is not allowed on a disabled key.","innererror":{"code":"KeyDisabled"}}})"));
  auto const refused = rewrap(world, dek(world));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().error_class == ErrorClass::conflict);
  CHECK(refused.error().code == "KeyDisabled");
}

TEST_CASE("a version that we made a moment ago may not be visible yet, and any other 404 is final") {
  VaultWorld world;
  auto const unknown = rewrap(world, dek(world));
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().error_class == ErrorClass::not_found);
  world.show_versions({world.version('1')});
  auto made = world.version('2', 5'000'000);
  made.members["tags"] = R"({"rekeyd-op":"op-1"})";
  world.on("POST /keys/cmk/create", made.str());
  REQUIRE(world.run(world.provider->rotate(world.order(), world.deadline())));
  auto const early = rewrap(world, dek(world));
  REQUIRE_FALSE(early);
  CHECK(early.error().error_class == ErrorClass::transient);
  CHECK(early.error().retry_after == std::chrono::seconds(5));
  world.loop.clock.advance(std::chrono::minutes(3));
  auto const late = rewrap(world, dek(world));
  REQUIRE_FALSE(late);
  CHECK(late.error().error_class == ErrorClass::not_found);
}

TEST_CASE("unwrapping gives the DEK itself") {
  VaultWorld world;
  world.on(unwrap_call, result('1', dek_bytes));
  auto const plain = world.run(world.provider->unwrap(dek(world), world.deadline()));
  REQUIRE(plain);
  CHECK(plain->same_as(Secret(dek_bytes)));
}

TEST_CASE("a DEK of another key is wrapped with the algorithm that this one wants, here or at the service") {
  VaultWorld world;
  world.on(look_call, rsa_target(world).str());
  world.on(wrap_call, result('2', std::string(256, 'v')));
  WrappedDek as = dek(world, "");
  as.version = VersionId(version_id('2'));
  auto const here =
      world.run(world.provider->wrap(Secret(std::string_view(dek_bytes)), as, false, world.deadline()));
  REQUIRE(here);
  CHECK(here->dek.algorithm == "RSA-OAEP-256");
  CHECK(here->dek.id == as.id);
  CHECK(here->dek.version == as.version);
  CHECK(rsa_key().unwrap_oaep_256(here->dek.ciphertext) == dek_bytes);
  CHECK(world.sent(wrap_call).empty());
  auto const there =
      world.run(world.provider->wrap(Secret(std::string_view(dek_bytes)), as, true, world.deadline()));
  REQUIRE(there);
  CHECK(there->dek.ciphertext == to_base64url(std::string(256, 'v')));
  CHECK(world.sent(wrap_call).size() == 1);
  as.aad = {"tenant"};
  auto const refused =
      world.run(world.provider->wrap(Secret(std::string_view(dek_bytes)), as, true, world.deadline()));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().error_class == ErrorClass::permanent);
  CHECK(world.sent(wrap_call).size() == 1);
}

TEST_CASE("AES key wrap matches the size of the key, and is of 256 bits where that is not told") {
  azure::WrapTarget target;
  target.algorithm = KeyAlgorithm::aes;
  CHECK(azure::first_wrap_algorithm(target, "here").value() == "A256KW");
  target.bits = 192;
  CHECK(azure::first_wrap_algorithm(target, "here").value() == "A192KW");
  target.algorithm = KeyAlgorithm::ec;
  CHECK(azure::first_wrap_algorithm(target, "here").error().error_class == ErrorClass::permanent);
}
