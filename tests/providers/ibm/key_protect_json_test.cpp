#include "providers/ibm/key_protect_json.hpp"

#include "providers/encoding.hpp"
#include "providers/ibm/crn.hpp"

#include <catch2/catch.hpp>

using namespace rekeyd;
using namespace rekeyd::providers;
using namespace rekeyd::providers::ibm;

namespace {

std::string const where = "GET https://eu-de.kms.cloud.ibm.com/api/v2/keys (instance pay)";

std::string envelope(std::string const& entries) {
  return R"({"metadata":{"collectionType":"x","collectionTotal":1},"resources":[)" + entries + "]}";
}

}  // namespace

TEST_CASE("a key is read with everything that matters to us") {
  auto const record =
      parse_key(envelope(R"({"type":"x","id":"k-1","name":"vpc root","state":1,"extractable":false,
      "imported":false,"keyRingID":"team-a","tags":["env:prod:eu","gold"],"creationDate":"2026-01-02T03:04:05Z",
      "expirationDate":"2030-01-01T00:00:00Z","lastRotateDate":"2026-05-01T00:00:10.123456+00:00",
      "keyVersion":{"id":"v-2","creationDate":"2026-05-01T00:00:10+0000"},
      "rotation":{"enabled":true,"interval_month":3},"algorithmType":"Deprecated","dualAuthDelete":{"enabled":false}})"),
                where);
  REQUIRE(record);
  CHECK(record->root_key);
  auto const& key = record->key;
  CHECK(key.ref.id == KeyId("k-1"));
  CHECK(key.name == "vpc root");
  CHECK(key.state == KeyState::active);
  CHECK(key.type == KeyType{KeyAlgorithm::aes, 256, Protection::hsm});
  CHECK(key.tags == std::map<std::string, std::string>{{"env", "prod:eu"}, {"gold", ""}});
  CHECK(key.key_ring == "team-a");
  CHECK(key.current == VersionId("v-2"));
  CHECK(key.current_created == parse_rfc3339("2026-05-01T00:00:10Z"));
  CHECK(key.last_rotated == parse_rfc3339("2026-05-01T00:00:10Z"));
  CHECK(key.expires == parse_rfc3339("2030-01-01T00:00:00Z"));
  CHECK(key.provider_rotation == ProviderRotation{true, "3 months of 30 days", std::nullopt, 90});
}

TEST_CASE("what a key may leave out is left out") {
  auto const record = parse_key(
      envelope(R"({"id":"k-1","state":2,"extractable":true,"imported":true,"lastRotateDate":null})"), where);
  REQUIRE(record);
  CHECK_FALSE(record->root_key);
  CHECK(record->key.name == "k-1");
  CHECK(record->key.origin == Origin::imported);
  CHECK(record->key.type.bits == 0);
  CHECK_FALSE(record->key.current);
  CHECK_FALSE(record->key.last_rotated);
  CHECK_FALSE(record->key.provider_rotation);
}

TEST_CASE("the service's state numbers are the states of the standard") {
  auto const [number, state] = GENERATE(table<std::string, KeyState>({{"0", KeyState::pre_activation},
                                                                      {"1", KeyState::active},
                                                                      {"2", KeyState::suspended},
                                                                      {"3", KeyState::deactivated},
                                                                      {"5", KeyState::destroyed}}));
  auto const record = parse_key(envelope(R"({"id":"k","state":)" + number + "}"), where);
  REQUIRE(record);
  CHECK(record->key.state == state);
}

TEST_CASE("the provider's own rotation is read with or without its parts") {
  auto const [text, rotation] = GENERATE(table<std::string, ProviderRotation>({
      {R"({"enabled":false})", {false, ""}},
      {R"({"enabled":false,"interval_month":6})", {false, "6 months of 30 days", std::nullopt, 180}},
      {R"({"interval_month":1})", {true, "1 month of 30 days", std::nullopt, 30}},
      {R"({"interval_month":0})", {true, "0 months of 30 days"}},
      {R"({"enabled":true,"interval_month":9000000000})", {true, "9000000000 months of 30 days"}},
  }));
  auto const record = parse_key(envelope(R"({"id":"k","state":1,"rotation":)" + text + "}"), where);
  REQUIRE(record);
  CHECK(record->key.provider_rotation == rotation);
}

TEST_CASE("a key that cannot be read names its member") {
  auto const [entry, words] = GENERATE(table<std::string, std::string>({
      {R"({"state":1})", "resources[0].id is missing"},
      {R"({"id":"k"})", "resources[0].state is missing"},
      {R"({"id":"k","state":4})", "resources[0].state should be"},
      {R"({"id":"k","state":"1"})", "resources[0].state should be"},
      {R"({"id":"k","state":1,"tags":"a"})", "resources[0].tags should be"},
      {R"({"id":"k","state":1,"keyVersion":{"id":"v"}})", "resources[0].keyVersion.creationDate is missing"},
      {R"({"id":"k","state":1,"keyVersion":{"id":"v","creationDate":"2026-02-30T00:00:00Z"}})",
       "keyVersion.creationDate should be"},
      {R"({"id":"k","state":1,"lastRotateDate":17})", "resources[0].lastRotateDate should be"},
      {R"({"id":"k","state":1,"imported":"no"})", "resources[0].imported should be"},
      {"7", "resources[0].id is missing"},
  }));
  CAPTURE(entry);
  auto const record = parse_key(envelope(entry), where);
  REQUIRE_FALSE(record);
  CHECK(record.error().error_class == ErrorClass::malformed);
  CHECK_THAT(record.error().what, Catch::Contains(words));
  CHECK_THAT(record.error().where, Catch::StartsWith(where));
}

TEST_CASE("an empty list comes in three forms, one entry may stand without its array") {
  for (auto const* body :
       {"{}", R"({"resources":null})", R"({"metadata":{"collectionTotal":0},"resources":[]})"}) {
    auto const page = parse_keys(body, where);
    REQUIRE(page);
    CHECK(page->entries == 0);
  }
  auto const page = parse_keys(R"({"resources":{"id":"k","state":1}})", where);
  REQUIRE(page);
  CHECK(page->items.size() == 1);
}

TEST_CASE("a page counts its broken entries, and names those that name themselves") {
  auto const page = parse_keys(envelope(R"({"id":"good","state":1},{"id":"bad","state":99},null)"), where);
  REQUIRE(page);
  CHECK(page->entries == 3);
  CHECK(page->items.size() == 1);
  REQUIRE(page->defects.size() == 2);
  CHECK_THAT(page->defects[0].where, Catch::EndsWith("entry bad"));
}

TEST_CASE("one key is expected, no more and no fewer") {
  CHECK_FALSE(parse_key("{}", where));
  CHECK_FALSE(parse_key(envelope(R"({"id":"a","state":1},{"id":"b","state":1})"), where));
}

TEST_CASE("versions are read in any of the service's date formats") {
  auto const page = parse_versions(envelope(R"({"id":"a","creationDate":"2026-01-01T00:00:10Z"},
      {"id":"b","creationDate":"2026-01-01T00:00:10+0000"},{"id":"c","creationDate":"2026-01-01T00:00:10.999999+00:00"},
      {"id":"d"})"),
                                   where);
  REQUIRE(page);
  REQUIRE(page->items.size() == 3);
  for (auto const& version : page->items) CHECK(version.created == parse_rfc3339("2026-01-01T00:00:10Z"));
  REQUIRE(page->defects.size() == 1);
}

TEST_CASE("registrations are read with their resource's kind, and may not know their version") {
  KeyRef const key{ProviderName("ibm"), VaultName("pay"), KeyId("k-1")};
  auto const page = parse_registrations(
      envelope(R"({"keyId":"k-1","resourceCrn":"crn:v1:bluemix:public:is:eu-de-1:a/acct::volume:r010-1",
      "preventKeyDeletion":true,"lastUpdated":"2026-05-01T01:02:03Z","keyVersion":{"id":"v-2"}},
      {"resourceCrn":"crn:v1:bluemix:public:databases-for-postgresql:eu-de:a/acct:inst::"},
      {"keyId":"k-2","resourceCrn":"crn:v1:x"},{"keyId":"k-1"})"),
      key, where);
  REQUIRE(page);
  REQUIRE(page->items.size() == 2);
  CHECK(page->items[0].key == key);
  CHECK(page->items[0].kind == "volume");
  CHECK(page->items[0].version == VersionId("v-2"));
  CHECK(page->items[0].prevents_deletion);
  CHECK(page->items[1].kind == "databases-for-postgresql");
  CHECK_FALSE(page->items[1].version);
  REQUIRE(page->defects.size() == 2);
  CHECK_THAT(page->defects[0].what, Catch::Contains("keyId names another key"));
  CHECK_THAT(page->defects[1].what, Catch::Contains("resourceCrn is missing"));
}

TEST_CASE("a CRN's kind is its resource type, else its service") {
  auto const [crn, kind] = GENERATE(table<std::string, std::string>({
      {"crn:v1:bluemix:public:cloud-object-storage:global:a/acct:inst:bucket:logs:2026", "bucket"},
      {"crn:v1:bluemix:public:is:eu-de:a/acct::image:r1", "image"},
      {"crn:v1:bluemix:public:iaas:eu-de:a/acct:vol", "iaas"},
      {"crn:v1:bluemix:public:databases-for-redis:eu-de:a/acct:inst::", "databases-for-redis"},
      {"crn:v1:bluemix", ""},
      {"::::::::::::", ""},
      {"", ""},
  }));
  CHECK(crn_resource_kind(crn) == kind);
}

TEST_CASE("the answers of unwrap and rewrap are flat, or in an envelope") {
  auto const body = GENERATE(
      std::string(
          R"({"ciphertext":"bmV3","keyVersion":{"id":"v-1"},"rewrappedKeyVersion":{"id":"v-2"},"plaintext":"ZGVr"})"),
      envelope(
          R"({"ciphertext":"bmV3","keyVersion":{"id":"v-1"},"rewrappedKeyVersion":{"id":"v-2"},"plaintext":"ZGVr"})"));
  auto const read = parse_dek_answer(body, where);
  REQUIRE(read);
  CHECK(read->ciphertext == "bmV3");
  CHECK(read->version == VersionId("v-1"));
  CHECK(read->rewrapped_version == VersionId("v-2"));
  REQUIRE(read->plaintext);
  CHECK(read->plaintext->same_as(Secret("dek")));
}

TEST_CASE("a plaintext that is none is told without quoting it") {
  auto const* const body =
      GENERATE(R"({"plaintext":"***"})", R"({"plaintext":""})", R"({"plaintext":{"a":"ZGVr"}})",
               R"({"plaintext":"ZGVr)", R"({"plaintext":"ZGVr","keyVersion":"ZGVr"})");
  auto const read = parse_dek_answer(body, where);
  REQUIRE_FALSE(read);
  CHECK(read.error().error_class == ErrorClass::malformed);
  CHECK_THAT(read.error().what, !Catch::Contains("ZGVr"));
}

TEST_CASE("additional data keeps its order and is left out when there is none") {
  CHECK(write_dek_request("Y3Q=", {}) == Body(R"({"ciphertext":"Y3Q="})"));
  CHECK(write_dek_request("Y3Q=", {"b", "a", "q\""}) ==
        Body(R"({"ciphertext":"Y3Q=","aad":["b","a","q\""]})"));
}

TEST_CASE("a WDEK's handle is read where it is one, and nothing else is made of other texts") {
  CHECK(wdek_handle(to_base64(R"({"ciphertext":"x","iv":"y","version":"4.0.0","handle":"v-1"})")) ==
        VersionId("v-1"));
  for (auto const& other : {std::string("***"), std::string(), to_base64("[]"), to_base64("garbage"),
                            to_base64(R"({"handle":7})"), to_base64("{}")}) {
    CHECK_FALSE(wdek_handle(other));
  }
}
