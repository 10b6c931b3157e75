#include "providers/ibm/key_protect.hpp"

#include "providers/encoding.hpp"
#include "tests/providers/cloud_script.hpp"

#include <catch2/catch.hpp>

using namespace rekeyd;
using namespace rekeyd::providers;
using namespace rekeyd::test;

namespace {

std::string const base = "/api/v2/keys/k-1";
std::string const list_call = "GET /api/v2/keys";
std::string const metadata_call = "GET " + base + "/metadata";
std::string const versions_call = "GET " + base + "/versions";
std::string const registrations_call = "GET " + base + "/registrations";
std::string const rotate_call = "POST " + base + "/actions/rotate";
std::string const wrap_call = "POST " + base + "/actions/wrap";
std::string const rewrap_call = "POST " + base + "/actions/rewrap";
std::string const unwrap_call = "POST " + base + "/actions/unwrap";

std::string envelope(std::string const& entries) { return R"({"resources":[)" + entries + "]}"; }

std::string key_text(std::string const& more = {}, int state = 1) {
  return R"({"id":"k-1","name":"root","state":)" + std::to_string(state) +
         R"(,"extractable":false,"keyVersion":{"id":"v-2","creationDate":"2026-03-01T00:00:00Z"})" + more +
         "}";
}

std::string version_text(std::string const& id, std::string const& created) {
  return R"({"id":")" + id + R"(","creationDate":")" + created + "\"}";
}

std::string reason(std::string const& code) {
  return envelope(R"({"errorMsg":"x","reasons":[{"code":")" + code + R"(","message":"Why."}]})");
}

struct InstanceWorld : CloudScript {
  explicit InstanceWorld(IbmKind kind = IbmKind::key_protect, std::string ring = {}) {
    KeyProtectOptions options;
    options.name = ProviderName("ibm-test");
    options.kind = kind;
    InstanceAddress instance;
    instance.name = VaultName("pay");
    instance.id = "0b1c2d3e-4f50-4a61-8b72-c3d4e5f60718";
    instance.endpoint.host = "eu-de.kms.cloud.ibm.com";
    instance.key_ring = std::move(ring);
    options.instances.push_back(instance);
    provider = make_key_protect(*client, credentials, loop.clock, random, options);
  }

  KeyRef key() const { return {ProviderName("ibm-test"), VaultName("pay"), KeyId("k-1")}; }
  RotateOrder order() const {
    RotateOrder order;
    order.operation = RotationId("op-1");
    order.key.ref = key();
    order.key.current = VersionId("v-2");
    return order;
  }
  WrappedDek dek() const {
    WrappedDek wrapped;
    wrapped.id = DekId("dek-1");
    wrapped.key = key();
    wrapped.version = VersionId("v-1");
    wrapped.ciphertext = to_base64("old");
    return wrapped;
  }
  template <class T>
  T run(boost::asio::awaitable<T> operation) {
    return loop.run(std::move(operation));
  }

  std::unique_ptr<KmsProvider> provider;
};

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

TEST_CASE("a key without registrations has none, whatever form that takes") {
  InstanceWorld world;
  world.on(registrations_call, R"({"metadata":{"collectionTotal":0}})");
  auto const registrations = world.run(world.provider->registrations(world.key(), world.deadline()));
  REQUIRE(registrations);
  CHECK(registrations->empty());
}

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
