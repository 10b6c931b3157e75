#include "tests/providers/ibm/instance_world.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace rekeyd;
using namespace rekeyd::providers;
using namespace rekeyd::test;

namespace {

std::string full_page(int first, int count) {
  std::string entries;
  for (int i = 0; i < count; ++i) {
    if (i > 0) entries += ',';
    entries += R"({"id":"k-)" + std::to_string(first + i) + R"(","state":1,"extractable":false})";
  }
  return envelope(entries);
}

}  // namespace

TEST_CASE("each call carries token, instance, correlation id and, where configured, the key ring") {
  InstanceWorld world(IbmKind::key_protect, "team-a");
  world.on(list_call, "{}");
  REQUIRE(world.run(world.provider->list_keys(VaultName("pay"), {}, world.deadline())));
  auto const sent = world.sent(list_call);
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].target ==
        "/api/v2/keys?limit=1000&offset=0&state=0%2C1%2C2%2C3%2C5&extractable=false&sort=id");
  CHECK(header_of(sent[0], "Authorization") == "Bearer token-1");
  CHECK(header_of(sent[0], "Bluemix-Instance") == "0b1c2d3e-4f50-4a61-8b72-c3d4e5f60718");
  CHECK(header_of(sent[0], "Correlation-Id").size() == 36);
  CHECK(header_of(sent[0], "X-Kms-Key-Ring") == "team-a");
}

TEST_CASE("listing ends at a short page and drops what a shifted page repeats") {
  InstanceWorld world;
  world.on(list_call, full_page(0, 1000));
  world.on(
      list_call,
      envelope(
          R"({"id":"k-999","state":1},{"id":"k-1000","state":5},{"id":"std","state":1,"extractable":true},{"id":"odd"})"));
  auto const first = world.run(world.provider->list_keys(VaultName("pay"), {}, world.deadline()));
  REQUIRE(first);
  CHECK(first->keys.size() == 1000);
  CHECK(first->keys.front().ref.text() == "ibm-test/pay/k-0");
  auto const second = world.run(world.provider->list_keys(VaultName("pay"), first->next, world.deadline()));
  REQUIRE(second);
  CHECK(second->next.empty());
  REQUIRE(second->keys.size() == 1);
  CHECK(second->keys[0].state == KeyState::destroyed);
  CHECK(second->defects.size() == 1);
  CHECK_THAT(world.sent(list_call)[1].target, Catch::Contains("offset=1000"));
}

TEST_CASE("a 401 renews the token once and the second is final and says what it may mean") {
  InstanceWorld world;
  world.on(list_call, answer(401));
  auto const listed = world.run(world.provider->list_keys(VaultName("pay"), {}, world.deadline()));
  REQUIRE_FALSE(listed);
  CHECK(listed.error().error_class == ErrorClass::access);
  CHECK_THAT(listed.error().remedy, Catch::Contains("region"));
  CHECK(world.sent(list_call).size() == 2);
  CHECK(header_of(world.sent(list_call)[1], "Authorization") == "Bearer token-2");
}

TEST_CASE("a key is described with all versions oldest first, the current one as the key names it") {
  InstanceWorld world;
  world.on(metadata_call, envelope(key_text(R"(,"lastRotateDate":"2026-03-01T00:00:00Z")")));
  bool const newest_first = GENERATE(true, false);
  auto const old_version = version_text("k-1", "2026-01-01T00:00:00Z");
  auto const new_version = version_text("v-2", "2026-03-01T00:00:00Z");
  world.on(versions_call,
           envelope(newest_first ? new_version + "," + old_version : old_version + "," + new_version));
  auto const described = world.run(world.provider->describe(world.key(), world.deadline()));
  REQUIRE(described);
  CHECK(described->key.current == VersionId("v-2"));
  REQUIRE(described->versions.size() == 2);
  CHECK(described->versions[0].id == VersionId("k-1"));
  CHECK(described->versions[1].id == VersionId("v-2"));
  CHECK_THAT(world.sent(versions_call)[0].target, Catch::Contains("allKeyStates=true"));
}

TEST_CASE("an older service that refuses allKeyStates is asked without") {
  InstanceWorld world;
  world.on(metadata_call, envelope(key_text()));
  world.on(versions_call, answer(400, reason("INVALID_QUERY_PARAM_ERR")));
  SECTION("and tells") {
    world.on(versions_call, envelope(version_text("v-1", "2026-01-01T00:00:00Z")));
    auto const described = world.run(world.provider->describe(world.key(), world.deadline()));
    REQUIRE(described);
    REQUIRE(described->versions.size() == 2);
    CHECK(described->versions.back().id == VersionId("v-2"));
  }
  SECTION("and tells nothing of a key that is not active") {
    world.on(versions_call, answer(410, reason("KEY_DELETED_ERR")));
    auto const described = world.run(world.provider->describe(world.key(), world.deadline()));
    REQUIRE(described);
    CHECK(described->versions.size() == 1);
  }
  SECTION("and breaks") {
    world.on(versions_call, "<html>");
    CHECK_FALSE(world.run(world.provider->describe(world.key(), world.deadline())));
  }
}

TEST_CASE(
    "without keyVersion the newest listed version is the current one, without any the answer is malformed") {
  InstanceWorld world;
  world.on(metadata_call, envelope(R"({"id":"k-1","state":1})"));
  SECTION("listed") {
    world.on(versions_call, envelope(version_text("b", "2026-03-01T00:00:00Z") + "," +
                                     version_text("a", "2026-01-01T00:00:00Z")));
    auto const described = world.run(world.provider->describe(world.key(), world.deadline()));
    REQUIRE(described);
    CHECK(described->key.current == VersionId("b"));
  }
  SECTION("none") {
    world.on(versions_call, "{}");
    auto const described = world.run(world.provider->describe(world.key(), world.deadline()));
    REQUIRE_FALSE(described);
    CHECK(described.error().error_class == ErrorClass::malformed);
  }
}

TEST_CASE("an answer about another key is malformed, a version that cannot be read fails its key") {
  InstanceWorld world;
  SECTION("another key") { world.on(metadata_call, envelope(R"({"id":"k-2","state":1})")); }
  SECTION("version") {
    world.on(metadata_call, envelope(key_text()));
    world.on(versions_call, envelope(R"({"id":"v-2"})"));
  }
  auto const described = world.run(world.provider->describe(world.key(), world.deadline()));
  REQUIRE_FALSE(described);
  CHECK(described.error().error_class == ErrorClass::malformed);
}

TEST_CASE("registrations are read page by page, each once") {
  InstanceWorld world;
  std::string entries;
  for (int i = 0; i < 1000; ++i) {
    entries += (i > 0 ? "," : "") +
               std::string(R"({"resourceCrn":"crn:v1:bluemix:public:is:eu-de:a/acct::volume:)") +
               std::to_string(i) + "\"}";
  }
  world.on(registrations_call, envelope(entries));
  world.on(
      registrations_call,
      envelope(
          R"({"resourceCrn":"crn:v1:bluemix:public:is:eu-de:a/acct::volume:999"},{"resourceCrn":"crn:v1:bluemix:public:is:eu-de:a/acct::volume:1000"})"));
  auto const registrations = world.run(world.provider->registrations(world.key(), world.deadline()));
  REQUIRE(registrations);
  CHECK(registrations->size() == 1001);
  CHECK_THAT(world.sent(registrations_call)[1].target, Catch::Contains("offset=1000"));
}

TEST_CASE("one list tells the registrations of all keys, by key and resource") {
  InstanceWorld world;
  world.on("GET /api/v2/keys/registrations",
           envelope(R"({"keyId":"k-2","resourceCrn":"crn:b","keyVersion":{"id":"v-1"}},
                       {"keyId":"k-1","resourceCrn":"crn:b","keyVersion":{"id":"v-1"}},
                       {"keyId":"k-1","resourceCrn":"crn:a"})"));
  auto const all = world.run(world.provider->vault_registrations(VaultName("pay"), world.deadline()));
  REQUIRE(all);
  REQUIRE(all->size() == 3);
  CHECK((*all)[0].key == world.key());
  CHECK((*all)[0].resource == ResourceId("crn:a"));
  CHECK((*all)[0].following == Following::unknown);
  CHECK((*all)[1].following == Following::by_itself);
  CHECK((*all)[2].key.id == KeyId("k-2"));
  auto const nowhere = world.run(world.provider->vault_registrations(VaultName("none"), world.deadline()));
  REQUIRE_FALSE(nowhere);
  CHECK(nowhere.error().error_class == ErrorClass::not_found);
}

TEST_CASE("in the list of all keys a registration that names none is an error") {
  InstanceWorld world;
  world.on("GET /api/v2/keys/registrations", envelope(R"({"resourceCrn":"crn:b"})"));
  CHECK_FALSE(world.run(world.provider->vault_registrations(VaultName("pay"), world.deadline())));
}

TEST_CASE("services are asked to take a version up, and too early the answer says when they may be") {
  InstanceWorld world;
  std::string const sync = "POST " + base + "/actions/sync";
  SECTION("in time") {
    world.on(sync, answer(204, ""));
    CHECK(world.run(world.provider->sync_registrations(world.key(), world.deadline())));
  }
  SECTION("too early") {
    auto const at = world.loop.clock.wall_now() + std::chrono::minutes(20);
    world.on(
        sync,
        answer(
            409,
            envelope(fmt::format(
                R"({{"errorMsg":"x","reasons":[{{"code":"REQ_TOO_EARLY_ERR","message":"Sync cannot be performed until at least {}"}}]}})",
                to_rfc3339(at)))));
    auto const early = world.run(world.provider->sync_registrations(world.key(), world.deadline()));
    REQUIRE_FALSE(early);
    CHECK(early.error().code == "REQ_TOO_EARLY_ERR");
    CHECK(early.error().retry_after == std::chrono::minutes(20));
  }
  SECTION("too early, and no moment named") {
    world.on(sync, answer(409, reason("REQ_TOO_EARLY_ERR")));
    auto const early = world.run(world.provider->sync_registrations(world.key(), world.deadline()));
    REQUIRE_FALSE(early);
    CHECK_FALSE(early.error().retry_after);
  }
  CHECK(world.sent(sync).size() == 1);
}

TEST_CASE("a key without registrations has none, whatever form that takes") {
  InstanceWorld world;
  world.on(registrations_call, R"({"metadata":{"collectionTotal":0}})");
  auto const registrations = world.run(world.provider->registrations(world.key(), world.deadline()));
  REQUIRE(registrations);
  CHECK(registrations->empty());
}

TEST_CASE("there is no switch for one key version at IBM") {
  InstanceWorld world;
  auto const done =
      world.run(world.provider->set_version_enabled(world.key(), VersionId("v-1"), false, world.deadline()));
  REQUIRE_FALSE(done);
  CHECK(done.error().error_class == ErrorClass::permanent);
  CHECK(world.transport.sent().empty());
}

TEST_CASE("what changed beside the material is told") {
  InstanceWorld world;
  RootKey before;
  before.tags = {{"a", "b"}};
  auto after = before;
  CHECK(world.provider->inheritance_defects(before, after).empty());
  after.tags.clear();
  after.key_ring = "other";
  CHECK(world.provider->inheritance_defects(before, after).empty());  // the key's, not the version's
  after.state = KeyState::suspended;
  after.origin = Origin::imported;
  CHECK(world.provider->inheritance_defects(before, after).size() == 2);
  CHECK(world.provider->inheritance_defects(after, before).size() == 1);  // somebody enabled it: no loss
}

TEST_CASE("the flavours differ in what they can do") {
  for (auto const kind : {IbmKind::key_protect, IbmKind::key_protect_dedicated, IbmKind::hpcs}) {
    InstanceWorld world(kind);
    auto const& can = world.provider->capabilities(world.key());
    CHECK(can.rewrap_hides_plaintext);
    CHECK(can.rotation_floor == std::chrono::hours(1));
    CHECK(can.deactivated_may_rotate == (kind != IbmKind::hpcs));
  }
}
