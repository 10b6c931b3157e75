#include "tests/providers/azure/vault_world.hpp"

#include <catch2/catch.hpp>

using namespace rekeyd;
using namespace rekeyd::providers;
using namespace rekeyd::test;

TEST_CASE("neither token nor body goes out before the vault's challenge was checked") {
  VaultWorld world;
  world.on("PATCH /keys/cmk/" + version_id('1'), world.version('1').str());
  REQUIRE(world.run(
      world.provider->set_version_enabled(world.key(), VersionId(version_id('1')), true, world.deadline())));
  auto const& sent = world.transport.sent();
  REQUIRE(sent.size() == 2);
  CHECK(header_of(sent[0], "Authorization").empty());
  CHECK(sent[0].body.empty());
  CHECK(header_of(sent[1], "Authorization") == "Bearer token-1");
  CHECK(world.credentials.audiences == std::vector<std::string>{"https://vault.azure.net"});
  // The challenge is remembered: no second probe.
  REQUIRE(world.run(
      world.provider->set_version_enabled(world.key(), VersionId(version_id('1')), true, world.deadline())));
  CHECK(world.probes == 1);
}

TEST_CASE("a challenge that must not be followed gets no token") {
  VaultWorld world;
  world.challenge = GENERATE(
      "Bearer authorization=\"https://login.evil.example/t\", resource=\"https://vault.azure.net\"",
      "Bearer authorization=\"https://login.microsoftonline.com/t\", resource=\"https://evil.example\"",
      "Bearer authorization=\"https://login.microsoftonline.com/t\", resource=\"https://azure.net\"",
      "Bearer authorization=\"https://login.microsoftonline.com/t\", "
      "resource=\"https://managedhsm.azure.net\"",
      "Bearer authorization=\"https://login.microsoftonline.com/ffffffff-1111-4222-8333-444455556666\", "
      "resource=\"https://vault.azure.net\"");
  auto const described = world.run(world.provider->describe(world.key(), world.deadline()));
  REQUIRE_FALSE(described);
  CHECK(described.error().error_class == ErrorClass::access);
  CHECK(described.error().delivery == Delivery::not_sent);
  CHECK(world.credentials.audiences.empty());
}

TEST_CASE("a 401 without a challenge that can be read is malformed") {
  VaultWorld world;
  world.challenge = "Basic realm=\"x\"";
  auto const described = world.run(world.provider->describe(world.key(), world.deadline()));
  REQUIRE_FALSE(described);
  CHECK(described.error().error_class == ErrorClass::malformed);
  CHECK(described.error().where == "GET https://pay.vault.azure.net/keys");
  CHECK(world.credentials.audiences.empty());
}

TEST_CASE("a service that lets anybody in is not a vault") {
  VaultWorld world;
  world.challenge.clear();
  world.on("GET /keys", R"({"value":[]})");
  auto const described = world.run(world.provider->describe(world.key(), world.deadline()));
  REQUIRE_FALSE(described);
  CHECK(described.error().error_class == ErrorClass::malformed);
  CHECK(world.credentials.audiences.empty());
}

TEST_CASE("a 401 renews the token once and repeats the call") {
  VaultWorld world;
  world.on("GET /keys", answer(401, "", {{"WWW-Authenticate", vault_challenge}}));
  world.on("GET /keys", page_of({}));
  CHECK(world.run(world.provider->list_keys(VaultName("pay"), {}, world.deadline())));
  auto const sent = world.sent("GET /keys");
  REQUIRE(sent.size() == 2);
  CHECK(header_of(sent[0], "Authorization") == "Bearer token-1");
  CHECK(header_of(sent[1], "Authorization") == "Bearer token-2");
  CHECK(world.credentials.forgotten == 1);
}

TEST_CASE("a second 401 is final and of class access") {
  VaultWorld world;
  world.on("GET /keys", answer(401, "OK", {{"WWW-Authenticate", vault_challenge}}));
  auto const listed = world.run(world.provider->list_keys(VaultName("pay"), {}, world.deadline()));
  REQUIRE_FALSE(listed);
  CHECK(listed.error().error_class == ErrorClass::access);
  CHECK(listed.error().http_status == 401);
  CHECK_FALSE(listed.error().remedy.empty());
  CHECK(world.sent("GET /keys").size() == 2);
}

TEST_CASE("a later challenge that leads elsewhere ends the call") {
  VaultWorld world;
  world.on(
      "GET /keys",
      answer(401, "",
             {{"WWW-Authenticate",
               "Bearer authorization=\"https://evil.example/t\", resource=\"https://vault.azure.net\""}}));
  auto const listed = world.run(world.provider->list_keys(VaultName("pay"), {}, world.deadline()));
  REQUIRE_FALSE(listed);
  CHECK_THAT(listed.error().what, Catch::Contains("evil.example"));
  CHECK(world.sent("GET /keys").size() == 1);
}

TEST_CASE("a credential that cannot be had is told as not sent") {
  VaultWorld world;
  Error refused;
  refused.error_class = ErrorClass::access;
  refused.delivery = Delivery::maybe_applied;
  refused.what = "the secret expired";
  world.credentials.failure = refused;
  auto const rotated = world.run(world.provider->rotate(world.order(), world.deadline()));
  REQUIRE_FALSE(rotated);
  CHECK(rotated.error().what == "the secret expired");
  CHECK(rotated.error().delivery == Delivery::not_sent);
}

TEST_CASE("keys are listed page by page, broken entries apart") {
  VaultWorld world;
  auto key = world.version('1');
  key.kid = R"("https://pay.vault.azure.net/keys/CMK-A")";
  key.members["tags"] = R"({"tier":"pci","rekeyd-op":"op-0"})";
  auto foreign = world.version('2');
  foreign.host = "other.vault.azure.net";
  world.on("GET /keys",
           page_of({key, foreign}, "https://pay.vault.azure.net:443/keys?api-version=7.5&$skiptoken=abc%3d"));
  auto last = world.version('3');
  last.name = "cmk-b";
  last.attributes["enabled"] = "false";
  world.on("GET /keys", page_of({last}));
  auto const first = world.run(world.provider->list_keys(VaultName("PAY"), {}, world.deadline()));
  REQUIRE(first);
  REQUIRE(first->keys.size() == 1);
  CHECK(first->keys[0].ref.text() == "azure-test/pay/cmk-a");
  CHECK(first->keys[0].tags == std::map<std::string, std::string>{{"tier", "pci"}});
  REQUIRE(first->defects.size() == 1);
  CHECK_THAT(first->defects[0].what, Catch::Contains("another vault"));
  REQUIRE_FALSE(first->next.empty());
  auto const second = world.run(world.provider->list_keys(VaultName("pay"), first->next, world.deadline()));
  REQUIRE(second);
  CHECK(second->next.empty());
  REQUIRE(second->keys.size() == 1);
  CHECK(second->keys[0].state == KeyState::suspended);
  auto const sent = world.sent("GET /keys");
  REQUIRE(sent.size() == 2);
  CHECK(sent[0].target == "/keys?maxresults=25&api-version=7.5");
  CHECK(sent[1].target == "/keys?api-version=7.5&$skiptoken=abc%3d");
}

TEST_CASE("a page that leads to itself or to another host ends the listing") {
  VaultWorld world;
  world.on("GET /keys", page_of({}, "https://pay.vault.azure.net/keys?$skiptoken=1&api-version=7.5"));
  auto const first = world.run(world.provider->list_keys(VaultName("pay"), {}, world.deadline()));
  REQUIRE(first);
  auto const second = world.run(world.provider->list_keys(VaultName("pay"), first->next, world.deadline()));
  REQUIRE_FALSE(second);
  CHECK_THAT(second.error().what, Catch::Contains("its own page"));
  world.clear("GET /keys");
  world.on("GET /keys", page_of({}, "https://evil.example/keys"));
  auto const evil = world.run(world.provider->list_keys(VaultName("pay"), {}, world.deadline()));
  REQUIRE_FALSE(evil);
  CHECK(evil.error().error_class == ErrorClass::malformed);
}

TEST_CASE("pages that never end do end") {
  VaultWorld world;
  world.show_versions({world.version('1')});
  world.clear("GET /keys/cmk/versions");
  for (auto const* token : {"a", "b"}) {
    for (int i = 0; i < 2'100; ++i) {
      world.on("GET /keys/cmk/versions",
               page_of({}, std::string("https://pay.vault.azure.net/keys/cmk/versions?$skiptoken=") + token +
                               std::to_string(i)));
    }
  }
  auto const described =
      world.run(world.provider->describe(world.key(), world.loop.clock.mono_now() + std::chrono::hours(9)));
  REQUIRE_FALSE(described);
  CHECK_THAT(described.error().what, Catch::Contains("more than 4000 pages"));
}

TEST_CASE("a key is described with its versions oldest first, whatever their order on the wire") {
  VaultWorld world;
  auto oldest = world.version('c');
  auto middle = world.version('a', 100);
  auto current = world.version('b', 200);
  middle.members["tags"] = R"({"rekeyd-op":"op-7"})";
  middle.attributes["enabled"] = "false";
  world.show_versions({oldest, middle, current});
  world.clear("GET /keys/cmk/versions");
  world.on("GET /keys/cmk/versions",
           page_of({middle, current}, "https://pay.vault.azure.net:443/keys/cmk/versions?$skiptoken=x"));
  world.on("GET /keys/cmk/versions", page_of({oldest}));
  world.on("GET /keys/cmk/rotationpolicy",
           R"({"lifetimeActions":[{"trigger":{"timeAfterCreate":"P90D"},"action":{"type":"Rotate"}}]})");
  KeyRef shouted = world.key();
  shouted.id = KeyId("CMK");
  auto const described = world.run(world.provider->describe(shouted, world.deadline()));
  REQUIRE(described);
  CHECK(described->key.ref == world.key());
  CHECK(described->key.current == VersionId(version_id('b')));
  CHECK(described->key.state == KeyState::active);
  CHECK(described->key.type == KeyType{KeyAlgorithm::rsa, 2048, Protection::hsm});
  CHECK(described->key.provider_rotation == ProviderRotation{true, "P90D", std::nullopt, 90});
  REQUIRE(described->versions.size() == 3);
  CHECK(described->versions[0].id == VersionId(version_id('c')));
  CHECK(described->versions[1].operation == RotationId("op-7"));
  CHECK_FALSE(described->versions[1].enabled);
  CHECK(described->versions[2].id == VersionId(version_id('b')));
}

TEST_CASE("the version that the key names goes last among those of one second, and is never missing") {
  VaultWorld world;
  auto twin = world.version('e');
  auto current = world.version('d');
  world.show_versions({twin, current});
  world.clear("GET /keys/cmk/versions");
  world.on("GET /keys/cmk/versions", page_of({twin}));
  auto const described = world.run(world.provider->describe(world.key(), world.deadline()));
  REQUIRE(described);
  REQUIRE(described->versions.size() == 2);
  CHECK(described->versions.back().id == VersionId(version_id('d')));
}

TEST_CASE("the state of a key follows enabled, expiry and activation") {
  auto const [enabled, nbf, exp, state] = GENERATE(table<std::string, std::string, std::string, KeyState>({
      {"true", "", "", KeyState::active},
      {"false", "", "1", KeyState::suspended},
      {"true", "", "1779999999", KeyState::deactivated},
      {"true", "", "1790000000", KeyState::active},
      {"true", "1790000000", "", KeyState::pre_activation},
  }));
  VaultWorld world;
  auto key = world.version('1');
  key.attributes["enabled"] = enabled;
  if (!nbf.empty()) key.attributes["nbf"] = nbf;
  if (!exp.empty()) key.attributes["exp"] = exp;
  world.show_versions({key});
  auto const described = world.run(world.provider->describe(world.key(), world.deadline()));
  REQUIRE(described);
  CHECK(described->key.state == state);
}

TEST_CASE("a missing permission to read the rotation policy is not fatal, a broken answer is") {
  VaultWorld world;
  world.show_versions({world.version('1')});
  SECTION("refused") {
    world.on("GET /keys/cmk/rotationpolicy", answer(403, R"({"error":{"code":"Forbidden","message":"no"}})"));
    auto const described = world.run(world.provider->describe(world.key(), world.deadline()));
    REQUIRE(described);
    CHECK_FALSE(described->key.provider_rotation);
  }
  SECTION("HTML") {
    world.on("GET /keys/cmk/rotationpolicy", "<html>");
    auto const described = world.run(world.provider->describe(world.key(), world.deadline()));
    REQUIRE_FALSE(described);
    CHECK_THAT(described.error().where, Catch::Contains("/keys/cmk/rotationpolicy"));
  }
}

TEST_CASE("a soft-deleted key is destroyed, an unknown one is not found") {
  VaultWorld world;
  SECTION("soft-deleted") {
    world.on("GET /deletedkeys/cmk", world.version('4').str());
    auto const described = world.run(world.provider->describe(world.key(), world.deadline()));
    REQUIRE(described);
    CHECK(described->key.state == KeyState::destroyed);
    REQUIRE(described->versions.size() == 1);
    CHECK(described->versions[0].id == VersionId(version_id('4')));
  }
  SECTION("unknown") {
    auto const described = world.run(world.provider->describe(world.key(), world.deadline()));
    REQUIRE_FALSE(described);
    CHECK(described.error().error_class == ErrorClass::not_found);
  }
  SECTION("no right to look among the deleted") {
    world.on("GET /deletedkeys/cmk", answer(403));
    auto const described = world.run(world.provider->describe(world.key(), world.deadline()));
    REQUIRE_FALSE(described);
    CHECK(described.error().error_class == ErrorClass::not_found);
  }
}

TEST_CASE("an answer about another key or version is malformed") {
  VaultWorld world;
  auto other = world.version('1');
  other.name = "other";
  SECTION("key") {
    world.on("GET /keys/cmk", other.str());
    auto const described = world.run(world.provider->describe(world.key(), world.deadline()));
    REQUIRE_FALSE(described);
    CHECK_THAT(described.error().what, Catch::Contains("kid names another key"));
  }
  SECTION("version list") {
    world.show_versions({world.version('1')});
    world.clear("GET /keys/cmk/versions");
    world.on("GET /keys/cmk/versions", page_of({world.version('1'), other}));
    auto const described = world.run(world.provider->describe(world.key(), world.deadline()));
    REQUIRE_FALSE(described);
    CHECK(described.error().error_class == ErrorClass::malformed);
  }
}

TEST_CASE("names that do not belong in a path never reach one") {
  VaultWorld world;
  KeyRef key = world.key();
  SECTION("key") { key.id = KeyId("cmk?x=../secrets"); }
  SECTION("vault") { key.vault = VaultName("elsewhere"); }
  auto const described = world.run(world.provider->describe(key, world.deadline()));
  REQUIRE_FALSE(described);
  CHECK(described.error().error_class == ErrorClass::permanent);
  CHECK(world.transport.sent().empty());
}

TEST_CASE("a version is switched by its own attribute alone, and the answer must confirm it") {
  VaultWorld world;
  auto off = world.version('1');
  off.attributes["enabled"] = "false";
  std::string const call = "PATCH /keys/cmk/" + version_id('1');
  world.on(call, off.str());
  auto const done = world.run(
      world.provider->set_version_enabled(world.key(), VersionId(version_id('1')), false, world.deadline()));
  REQUIRE(done);
  CHECK(done->operation == call);
  CHECK(world.sent(call).front().body == Body(R"({"attributes":{"enabled":false}})"));
  auto const denied = world.run(
      world.provider->set_version_enabled(world.key(), VersionId(version_id('1')), true, world.deadline()));
  REQUIRE_FALSE(denied);
  CHECK(denied.error().error_class == ErrorClass::malformed);
}

TEST_CASE("evidence holds the provider's id of the call, ours, and its date") {
  VaultWorld world;
  world.on("PATCH /keys/cmk/" + version_id('1'),
           answer(200, world.version('1').str(),
                  {{"x-ms-request-id", "theirs"}, {"Date", "Thu, 28 May 2026 20:26:40 GMT"}}));
  auto const done = world.run(
      world.provider->set_version_enabled(world.key(), VersionId(version_id('1')), true, world.deadline()));
  REQUIRE(done);
  CHECK(done->request_id == "theirs");
  CHECK(done->correlation_id == header_of(world.transport.sent().back(), "x-ms-client-request-id"));
  CHECK(done->correlation_id.size() == 36);
  CHECK(done->date == Instant(std::chrono::seconds(1'780'000'000)));
}

TEST_CASE("what each kind can do is in its capabilities") {
  VaultWorld vault;
  VaultWorld hsm(AzureKind::managed_hsm);
  CHECK(vault.provider->capabilities(vault.key()).kind == "azure-key-vault");
  CHECK(vault.provider->capabilities(vault.key()).versions_warning == 500U);
  CHECK(hsm.provider->capabilities(hsm.key()).versions_max == 100U);
  CHECK(hsm.provider->capabilities(hsm.key()).visibility_lag == std::chrono::minutes(6));
  CHECK_FALSE(hsm.provider->capabilities(hsm.key()).rotation_floor);
  CHECK(vault.run(vault.provider->registrations(vault.key(), vault.deadline()))->empty());
}
