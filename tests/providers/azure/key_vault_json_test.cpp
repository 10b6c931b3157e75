#include "providers/azure/key_vault_json.hpp"

#include "tests/providers/azure/bundle_text.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

using namespace rekeyd;
using namespace rekeyd::providers;
using namespace rekeyd::providers::azure;
using rekeyd::test::BundleText;

namespace {

std::string const where = "GET https://pay.vault.azure.net/keys/cmk";

}  // namespace

TEST_CASE("a key bundle is read whole") {
  BundleText text;
  text.members["release_policy"] =
      R"({"contentType":"application/json; charset=utf-8","data":"eyJ9","immutable":true})";
  text.attributes["nbf"] = "1750000000";
  text.attributes["exp"] = "1790000000";
  text.attributes["exportable"] = "true";
  text.members["tags"] = R"({"tier":"pci","rekeyd-op":"op-1"})";
  auto const bundle = parse_key_bundle(text.str(), where);
  REQUIRE(bundle);
  CHECK(bundle->id.host == "pay.vault.azure.net");
  CHECK(bundle->id.name == "cmk");
  CHECK(bundle->id.version == "11110000111100001111000011110000");
  CHECK(bundle->operations == std::set<std::string>{"wrapKey", "unwrapKey"});
  CHECK(bundle->attributes.enabled);
  CHECK(bundle->attributes.created == Instant(std::chrono::seconds(1750000001)));
  CHECK(bundle->attributes.not_before == Instant(std::chrono::seconds(1750000000)));
  CHECK(bundle->attributes.expires == Instant(std::chrono::seconds(1790000000)));
  CHECK(bundle->attributes.exportable);
  CHECK(bundle->tags.at("tier") == "pci");
  REQUIRE(bundle->release_policy);
  CHECK(bundle->release_policy->immutable);
  CHECK(bundle->type() == KeyType{KeyAlgorithm::rsa, 2048, Protection::hsm});
}

TEST_CASE("the type of a key follows kty, size and curve") {
  auto const [kty, more, type] = GENERATE(table<std::string, std::string, KeyType>({
      {"RSA", "", {KeyAlgorithm::rsa, 2048, Protection::software}},
      {"rsa-hsm", "", {KeyAlgorithm::rsa, 2048, Protection::hsm}},
      {"EC", R"("crv":"P-521")", {KeyAlgorithm::ec, 521, Protection::software}},
      {"EC-HSM", R"("crv":"P-256K")", {KeyAlgorithm::ec, 256, Protection::hsm}},
      {"oct-HSM", "", {KeyAlgorithm::aes, 0, Protection::hsm}},
      {"ML-KEM-HSM", "", {KeyAlgorithm::other, 0, Protection::hsm}},
  }));
  BundleText text;
  text.kty = kty;
  text.key_more = more;
  auto const bundle = parse_key_bundle(text.str(), where);
  REQUIRE(bundle);
  CHECK(bundle->type() == type);
}

TEST_CASE("a bundle that is not one names the member") {
  auto const [change, member] = GENERATE(table<std::string, std::string>({
      {"no key", "key is missing"},
      {"kid number", "key.kid should be"},
      {"kid http", "key.kid should be the address of a key version"},
      {"kid without version", "key.kid should be the address of a key version"},
      {"no kty", "key.kty is missing"},
      {"ops text", "key.key_ops should be"},
      {"no created", "attributes.created is missing"},
      {"created text", "attributes.created should be"},
      {"enabled text", "attributes.enabled should be"},
      {"tags list", "tags should be an object"},
      {"tags numbers", "tags should be an object of texts"},
  }));
  BundleText text;
  if (change == "no key") text.key = "null";
  if (change == "kid number") text.kid = "7";
  if (change == "kid http") text.kid = R"("http://pay.vault.azure.net/keys/cmk/1111")";
  if (change == "kid without version") text.kid = R"("https://pay.vault.azure.net/keys/cmk")";
  if (change == "no kty") text.kty.clear();
  if (change == "ops text") text.operations = R"("wrapKey")";
  if (change == "no created") text.attributes.erase("created");
  if (change == "created text") text.attributes["created"] = R"("1750000001")";
  if (change == "enabled text") text.attributes["enabled"] = R"("yes")";
  if (change == "tags list") text.members["tags"] = "[]";
  if (change == "tags numbers") text.members["tags"] = R"({"a":1})";
  auto const bundle = parse_key_bundle(text.str(), where);
  REQUIRE_FALSE(bundle);
  CHECK(bundle.error().error_class == ErrorClass::malformed);
  CHECK_THAT(bundle.error().what, Catch::Contains(member));
  CHECK(bundle.error().where == where);
}

TEST_CASE("key identifiers compare in lower case, with or without a port") {
  auto const id = KeyIdentifier::parse("https://Pay.Vault.Azure.NET:443/keys/CMK-Ledger/00AA");
  REQUIRE(id);
  CHECK(id->host == "pay.vault.azure.net");
  CHECK(id->name == "cmk-ledger");
  CHECK(id->version == "00aa");
  for (auto const* bad :
       {"", "keys/cmk", "https://pay.vault.azure.net/secrets/cmk", "https://h/keys/", "https://h/keys/a/b/c",
        "https://h/keys/a%2fb", "https://h/keys/a/../b", "javascript:alert(1)"}) {
    CAPTURE(bad);
    CHECK_FALSE(KeyIdentifier::parse(bad));
  }
}

TEST_CASE("one broken entry of a page spoils itself only") {
  auto const page = parse_key_items(R"({"value":[
      {"kid":"https://pay.vault.azure.net/keys/good","attributes":{"enabled":true,"created":1750000000},"tags":{"a":"b"}},
      {"kid":"https://pay.vault.azure.net/keys/dateless","attributes":{}},
      17,
      {"kid":"https://pay.vault.azure.net/keys/cert","attributes":{"created":1750000000},"managed":true}],
      "nextLink":"https://pay.vault.azure.net:443/keys?api-version=7.5&$skiptoken=abc"})",
                                    where);
  REQUIRE(page);
  REQUIRE(page->items.size() == 2);
  CHECK(page->items[0].id.name == "good");
  CHECK(page->items[1].managed);
  REQUIRE(page->defects.size() == 2);
  CHECK_THAT(page->defects[0].where, Catch::Contains("key dateless"));
  CHECK_THAT(page->defects[0].what, Catch::Contains("value[1].attributes.created is missing"));
  CHECK_FALSE(page->next_link.empty());
}

TEST_CASE("the end of a listing may be absent, null or empty") {
  auto const* const body = GENERATE(R"({"value":[]})", R"({"value":[],"nextLink":null})",
                                    R"({"value":[],"nextLink":""})", R"({"value":null})", "{}");
  auto const page = parse_key_items(body, where);
  REQUIRE(page);
  CHECK(page->items.empty());
  CHECK(page->next_link.empty());
}

TEST_CASE("the answer of an operation must name its version and carry a value") {
  auto const good = parse_operation_result(
      R"({"kid":"https://pay.vault.azure.net/keys/cmk/11110000111100001111000011110000","value":"AAEC"})",
      where);
  REQUIRE(good);
  CHECK(good->value == "AAEC");
  for (auto const* bad : {R"({"kid":"https://pay.vault.azure.net/keys/cmk/1111"})", R"({"value":"AAEC"})",
                          R"({"kid":"https://pay.vault.azure.net/keys/cmk/1111","value":{}})",
                          R"({"kid":"https://pay.vault.azure.net/keys/cmk","value":"AAEC"})", "AAEC"}) {
    CAPTURE(bad);
    auto const result = parse_operation_result(bad, where);
    REQUIRE_FALSE(result);
    CHECK(result.error().error_class == ErrorClass::malformed);
    CHECK_THAT(result.error().what, !Catch::Contains("AAEC"));
  }
}

TEST_CASE("a create says all that the version shall have and nothing that it shall not") {
  CreateKey key;
  key.key_type = "RSA-HSM";
  key.key_size = 3072;
  key.operations = {"unwrapKey", "wrapKey"};
  key.tags = {{"quote\"", "line\n"}, {operation_tag, "op-1"}};
  auto const plain = boost::json::parse(std::string(write_create_key(key)));
  CHECK(plain.at("kty") == "RSA-HSM");
  CHECK(plain.at("key_size") == 3072);
  CHECK(plain.at("tags").at("quote\"") == "line\n");
  CHECK(plain.at("attributes") == boost::json::parse(R"({"enabled":true})"));
  CHECK_FALSE(plain.as_object().contains("crv"));
  CHECK_FALSE(plain.as_object().contains("release_policy"));
  key.expires = Instant(std::chrono::seconds(1800000000));
  key.exportable = true;
  key.release_policy = ReleasePolicy{"application/json; charset=utf-8", "eyJ9", true};
  auto const full = boost::json::parse(std::string(write_create_key(key)));
  CHECK(full.at("attributes") ==
        boost::json::parse(R"({"enabled":true,"exp":1800000000,"exportable":true})"));
  CHECK(full.at("release_policy").at("immutable") == true);
}

TEST_CASE("small requests are written as the service wants them") {
  CHECK(write_operation("RSA-OAEP-256", "AAEC_-") == Body(R"({"alg":"RSA-OAEP-256","value":"AAEC_-"})"));
  CHECK(write_enabled(false) == Body(R"({"attributes":{"enabled":false}})"));
}
