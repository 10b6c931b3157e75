#include "providers/azure/rotation_call.hpp"

#include "providers/azure/inheritance.hpp"
#include "providers/azure/rotation_policy.hpp"
#include "tests/providers/azure/bundle_text.hpp"

#include <catch2/catch.hpp>

using namespace rekeyd;
using namespace rekeyd::providers;
using namespace rekeyd::providers::azure;
using rekeyd::test::BundleText;
using namespace std::chrono_literals;

namespace {

KeyBundle bundle(BundleText const& text) {
  auto parsed = parse_key_bundle(text.str(), "GET x");
  REQUIRE(parsed);
  return std::move(*parsed);
}

std::string tags(int count, std::string const& more = {}) {
  std::string text = "{" + more;
  for (int i = 0; i < count; ++i) {
    if (text.size() > 1) text += ',';
    text += "\"t" + std::to_string(i) + "\":\"v\"";
  }
  return text + "}";
}

RootKey root_key() {
  RootKey key;
  key.type = {KeyAlgorithm::rsa, 2048, Protection::hsm};
  key.operations = {"wrapKey", "unwrapKey"};
  key.tags = {{"tier", "pci"}};
  key.current_created = Instant(1'750'000'000s);
  return key;
}

}  // namespace

TEST_CASE("create is chosen where a new version can be described fully, rotate where not") {
  auto const [change, call] = GENERATE(table<std::string, RotationCall>({
      {"rsa", RotationCall::create},
      {"ec", RotationCall::create},
      {"ec without curve", RotationCall::rotate},
      {"oct with size", RotationCall::create},
      {"oct without size", RotationCall::rotate},
      {"odd size", RotationCall::rotate},
      {"long exponent", RotationCall::rotate},
      {"14 tags", RotationCall::create},
      {"15 tags", RotationCall::rotate},
      {"15 tags with ours", RotationCall::create},
  }));
  CAPTURE(change);
  BundleText text;
  if (change == "ec" || change == "ec without curve") text.kty = "EC-HSM";
  if (change == "ec") text.key_more = R"("crv":"P-256K")";
  if (change.starts_with("oct")) text.kty = "oct-HSM";
  if (change == "oct with size") text.attributes["key_size"] = "256";
  if (change == "odd size") text.modulus = std::string(600, 'x');
  if (change == "long exponent") text.exponent = "AQAAAAAB";
  if (change == "14 tags") text.members["tags"] = tags(14);
  if (change == "15 tags") text.members["tags"] = tags(15);
  if (change == "15 tags with ours") text.members["tags"] = tags(14, R"("rekeyd-op":"old")");
  auto const key = bundle(text);
  CHECK(choose_rotation_call(AzureRotateBy::automatic, key, "x") == call);
  CHECK(choose_rotation_call(AzureRotateBy::rotate, key, "x") == RotationCall::rotate);
  auto const forced = choose_rotation_call(AzureRotateBy::create, key, "x");
  CHECK(forced.has_value() == (call == RotationCall::create));
  if (!forced) {
    CHECK(forced.error().error_class == ErrorClass::permanent);
    CHECK_FALSE(forced.error().remedy.empty());
  }
}

TEST_CASE("the next version carries on what the last one had, and our operation id") {
  BundleText text;
  text.members["tags"] = R"({"tier":"pci","rekeyd-op":"before","rekeyd-rotated-at":"2026-01-01T00:00:00Z"})";
  text.members["release_policy"] = R"({"data":"eyJ9","immutable":true})";
  text.attributes["exportable"] = "true";
  text.attributes["exp"] = std::to_string(1'750'000'001 + 100 * 86'400);
  text.exponent = "Aw";
  Instant const now(1'780'000'000s);
  auto const next = next_version(bundle(text), RotationId("op-2"), now);
  CHECK(next.key_type == "RSA-HSM");
  CHECK(next.key_size == 2048U);
  CHECK(next.public_exponent == 3);
  CHECK(next.operations == std::set<std::string>{"unwrapKey", "wrapKey"});
  CHECK(next.expires == now + std::chrono::days(100));
  CHECK(next.exportable);
  CHECK(next.tags == std::map<std::string, std::string>{{"tier", "pci"}, {"rekeyd-op", "op-2"}});
  REQUIRE(next.release_policy);
  CHECK(next.release_policy->data == "eyJ9");
}

TEST_CASE("a version without expiry or with the usual exponent has none to carry on") {
  auto const next = next_version(bundle(BundleText{}), RotationId("op"), Instant{});
  CHECK_FALSE(next.expires);
  CHECK_FALSE(next.public_exponent);
  CHECK_FALSE(next.release_policy);
}

TEST_CASE("keys that belong to others or are of unknown types are refused") {
  BundleText text;
  std::string words;
  SECTION("certificate") {
    text.members["managed"] = "true";
    words = "certificate";
  }
  SECTION("unknown type") {
    text.kty = "ML-KEM";
    words = "unknown";
  }
  auto const refused = refuse_rotation(bundle(text), "x");
  REQUIRE(refused);
  CHECK(refused->error_class == ErrorClass::permanent);
  CHECK(refused->delivery == Delivery::not_sent);
  CHECK_THAT(refused->what, Catch::Contains(words));
  CHECK_FALSE(refused->remedy.empty());
}

TEST_CASE("a version like the one before has no defects") {
  auto before = root_key();
  auto after = root_key();
  CHECK(inheritance_defects(before, after).empty());
  before.tags["rekeyd-op"] = "before";
  CHECK(inheritance_defects(before, after).empty());
}

TEST_CASE("what a new version lost is told in a sentence each") {
  auto before = root_key();
  auto after = root_key();
  std::string words;
  SECTION("disabled") {
    after.state = KeyState::suspended;
    words = "suspended";
  }
  SECTION("type") {
    after.type.bits = 3072;
    words = "3072";
  }
  SECTION("operation gone") {
    after.operations = {"wrapKey"};
    words = "operations";
  }
  SECTION("operation too many") {
    after.operations.insert("sign");
    words = "sign";
  }
  SECTION("tag gone") {
    after.tags.clear();
    words = "tier is gone";
  }
  SECTION("tag changed") {
    after.tags["tier"] = "dev";
    words = "from pci to dev";
  }
  SECTION("not exportable") {
    before.exportable = true;
    words = "not exportable";
  }
  SECTION("exportable") {
    after.exportable = true;
    words = "is exportable";
  }
  SECTION("release policy") {
    before.release_policy = "e3b0";
    words = "has no release policy";
  }
  SECTION("release policy changed") {
    before.release_policy = "e3b0";
    after.release_policy = "77af";
    words = "release policy of the new version says something else";
  }
  SECTION("expiry gone") {
    before.expires = Instant(1'790'000'000s);
    words = "has none";
  }
  SECTION("expiry new") {
    after.expires = Instant(1'790'000'000s);
    words = "had no expiry";
  }
  SECTION("expiry shorter") {
    before.expires = *before.current_created + std::chrono::days(365);
    after.expires = *after.current_created + std::chrono::days(300);
    words = "lives 300 days";
  }
  auto const defects = inheritance_defects(before, after);
  REQUIRE(defects.size() == 1);
  CHECK_THAT(defects.front(), Catch::Contains(words));
}

TEST_CASE("an expiry as far ahead as the neutral policy's counts as none") {
  auto const before = root_key();
  auto after = root_key();
  after.expires = *after.current_created + std::chrono::days(3652);
  CHECK(inheritance_defects(before, after).empty());
}

TEST_CASE("a rotation policy is read with either trigger, null beside it, in any case") {
  auto const [body, rule] = GENERATE(table<std::string, ProviderRotation>({
      {R"({"lifetimeActions":[{"trigger":{"timeAfterCreate":"P90D","timeBeforeExpiry":null},"action":{"type":"Rotate"}}],"attributes":{"expiryTime":"P120D"}})",
       ProviderRotation{true, "P90D", std::nullopt, 90}},
      {R"({"lifetimeActions":[{"trigger":{"timeBeforeExpiry":"P30D"},"action":{"type":"rotate"}}]})",
       ProviderRotation{true, "P30D before expiry"}},
      {R"({"lifetimeActions":[{"trigger":{"timeBeforeExpiry":"P30D"},"action":{"type":"Notify"}}],"attributes":{}})",
       ProviderRotation{false, ""}},
      {R"({"lifetimeActions":[],"attributes":{"expiryTime":"P10Y"}})", ProviderRotation{false, ""}},
      {R"({"lifetimeActions":[{"trigger":{"timeAfterCreate":"P3M"},"action":{"type":"Rotate"}}],"attributes":{"updated":1767225600}})",
       ProviderRotation{true, "P3M", 3, std::nullopt, parse_rfc3339("2026-01-01T00:00:00Z")}},
  }));
  CAPTURE(body);
  auto const policy = parse_rotation_policy(body, "x");
  REQUIRE(policy);
  CHECK(policy->exists);
  CHECK(policy->rotation == rule);
}

TEST_CASE("a rotation interval counts months or days, and any other form stays in the service's words") {
  auto const [text, months, days] = GENERATE(table<std::string, std::optional<int>, std::optional<int>>({
      {"P1M", 1, std::nullopt},
      {"P1Y", 12, std::nullopt},
      {"P1Y6M", 18, std::nullopt},
      {"P28D", std::nullopt, 28},
      {"P2W", std::nullopt, 14},
      {"P2W1D", std::nullopt, 15},
      {"P1M10D", std::nullopt, std::nullopt},
      {"P0D", std::nullopt, std::nullopt},
      {"P", std::nullopt, std::nullopt},
      {"P3", std::nullopt, std::nullopt},
      {"PT720H", std::nullopt, std::nullopt},
      {"P1D1M", std::nullopt, std::nullopt},
      {"P-3M", std::nullopt, std::nullopt},
      {"P99999999999M", std::nullopt, std::nullopt},
      {"90 days", std::nullopt, std::nullopt},
  }));
  auto const policy = parse_rotation_policy(
      R"({"lifetimeActions":[{"trigger":{"timeAfterCreate":")" + text + R"("},"action":{"type":"Rotate"}}]})",
      "x");
  REQUIRE(policy);
  CAPTURE(text);
  CHECK(policy->rotation == ProviderRotation{true, text, months, days});
}

TEST_CASE("a rotation is set or taken out, and all else of the policy is kept") {
  auto const before = parse_rotation_policy(
      R"({"id":"x","lifetimeActions":[{"trigger":{"timeBeforeExpiry":"P30D","timeAfterCreate":null},"action":{"type":"Notify"}},
          {"trigger":{"timeAfterCreate":"P90D"},"action":{"type":"rotate"}}],"attributes":{"expiryTime":"P2Y","created":1}})",
      "x");
  REQUIRE(before);
  CHECK(
      std::string(write_rotation_policy(*before, Months::of(3))) ==
      R"({"lifetimeActions":[{"trigger":{"timeAfterCreate":"P3M"},"action":{"type":"Rotate"}},)"
      R"({"trigger":{"timeBeforeExpiry":"P30D"},"action":{"type":"Notify"}}],"attributes":{"expiryTime":"P2Y"}})");
  CHECK(std::string(write_rotation_policy(*before, std::nullopt)) ==
        R"({"lifetimeActions":[{"trigger":{"timeBeforeExpiry":"P30D"},"action":{"type":"Notify"}}],)"
        R"("attributes":{"expiryTime":"P2Y"}})");
  CHECK(std::string(write_rotation_policy(RotationPolicyView{}, std::nullopt)) ==
        R"({"lifetimeActions":[],"attributes":{}})");
}

TEST_CASE("an empty rotation policy is none, as putting one removes it") {
  auto const* const body =
      GENERATE(R"({"lifetimeActions":[],"attributes":{}})", R"({"id":"x"})", R"({"lifetimeActions":null})");
  auto const policy = parse_rotation_policy(body, "x");
  REQUIRE(policy);
  CHECK_FALSE(policy->exists);
}

TEST_CASE("a rotation policy that is not one is malformed") {
  auto const* const body = GENERATE(
      R"({"lifetimeActions":"none"})", R"({"lifetimeActions":[{"trigger":{}}]})",
      R"({"lifetimeActions":[{"action":{"type":"Rotate"}}]})", R"({"attributes":{"expiryTime":30}})", "");
  auto const policy = parse_rotation_policy(body, "x");
  REQUIRE_FALSE(policy);
  CHECK(policy.error().error_class == ErrorClass::malformed);
}

TEST_CASE("the neutral policy exists, rotates nothing, and gives the same lifetime or a very long one") {
  auto const [lifetime, expiry] = GENERATE(table<std::optional<std::chrono::seconds>, std::string>(
      {{std::nullopt, "P10Y"}, {std::chrono::days(365), "P365D"}, {std::chrono::days(3), "P28D"}}));
  auto const policy = neutral_rotation_policy(lifetime);
  CHECK(policy.expiry_time == expiry);
  auto const read = parse_rotation_policy(policy.body, "x");
  REQUIRE(read);
  CHECK(read->exists);
  CHECK_FALSE(read->rotation.enabled);
}
