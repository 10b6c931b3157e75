#include "tests/contract/azure/azure_caller.hpp"
#include "tests/simulator/envelope.hpp"

#include <catch2/catch.hpp>

using namespace rekeyd::sim;
using namespace rekeyd::sim::test;
namespace json = boost::json;

namespace {

void set(AzureCaller& azure, std::string const& rule) {
  auto const delivery = azure.raw("POST", "sim.localhost", "/faults", rule);
  INFO(delivery.answer.body);
  REQUIRE(delivery.answer.status == 201);
}

Delivery rotate(AzureCaller& azure) {
  return azure.raw("POST", "kv1.vault.azure.net", "/keys/root/rotate?api-version=7.5", {},
                   {{"Authorization", "Bearer " + azure.token("https://vault.azure.net")}});
}

std::size_t versions(AzureCaller& azure) { return azure.all_kids("/keys/root/versions").size(); }

}  // namespace

TEST_CASE("A reset before the request took effect leaves nothing behind, one after it does") {
  AzureCaller azure(vault_with("{ name: root }"));
  set(azure, R"({"kind":"reset-before","path":"*/rotate","nth":1})");
  set(azure, R"({"kind":"reset-after","path":"*/rotate","nth":1})");
  CHECK(rotate(azure).cut == Cut::before);
  CHECK(versions(azure) == 1);
  CHECK(rotate(azure).cut == Cut::after);
  CHECK(versions(azure) == 2);
  CHECK(rotate(azure).cut == Cut::none);
}

TEST_CASE("A refusal is in the service's own words, with Retry-After in either form") {
  AzureCaller azure(vault_with("{ name: root }"));
  set(azure, R"([{"kind":"refuse","status":429,"retry_after":"5","host":"kv1.*","nth":1},
                 {"kind":"refuse","status":503,"retry_after":"date:5","host":"kv1.*","nth":1},
                 {"kind":"refuse","status":429,"host":"login.*","nth":1, "path":"*/token"}])");
  auto const busy =
      AzureCaller::reply(azure.raw("POST", "login.microsoftonline.com", "/x/oauth2/v2.0/token"));
  CHECK(busy.status == 429);
  CHECK(busy.at("error") == "temporarily_unavailable");
  auto const throttled = AzureCaller::reply(rotate(azure));
  CHECK(throttled.status == 429);
  CHECK(throttled.at("error/code") == "Throttled");
  CHECK(throttled.header("retry-after") == "5");
  auto const unavailable = AzureCaller::reply(rotate(azure));
  CHECK(unavailable.status == 503);
  CHECK(unavailable.header("retry-after") == "Sat, 31 Jan 2026 12:00:05 GMT");
  CHECK(versions(azure) == 1);
}

TEST_CASE("Bodies can be spoilt in every way while the request takes effect") {
  AzureCaller azure(vault_with("{ name: root }"));
  auto const kind = GENERATE("truncate", "malformed-json", "html", "huge-body", "wrong-type");
  set(azure, std::string(R"({"path":"*/rotate","times":1,"kind":")") + kind + "\"}");
  auto const delivery = rotate(azure);
  auto const reply = AzureCaller::reply(delivery);
  CHECK(versions(azure) == 2);
  std::string const name = kind;
  CHECK((delivery.cut == Cut::mid_body) == (name == "truncate"));
  if (name == "malformed-json") CHECK(reply.json.is_null());
  if (name == "html") CHECK(reply.header("content-type").starts_with("text/html"));
  if (name == "huge-body") CHECK(reply.text.size() > 10'000'000);
  if (name == "wrong-type") CHECK(reply.header("content-type") == "text/plain");
}

TEST_CASE("Latency of several rules adds up and does not hide another fault") {
  AzureCaller azure(vault_with("{ name: root }"), {}, "latency_ms: 20");
  set(azure, R"([{"kind":"latency","delay_ms":300,"method":"POST","path":"*/rotate"},
                 {"kind":"reset-after","path":"*/rotate"}])");
  auto const delivery = rotate(azure);
  CHECK(delivery.delay == std::chrono::milliseconds(320));
  CHECK(delivery.cut == Cut::after);
}

TEST_CASE("An expired token is the vault's own 401") {
  AzureCaller azure(vault_with("{ name: root }"));
  set(azure, R"({"kind":"expired-token","host":"kv1.*","nth":1})");
  auto const reply = azure.get("/keys/root");
  CHECK(reply.status == 401);
  CHECK(reply.at("error/message").starts_with("[TokenExpired]"));
  CHECK(azure.get("/keys/root").status == 200);
}

TEST_CASE("A lagging version is in the answer that made it and only later in reads") {
  AzureCaller azure(vault_with("{ name: root, created: 2 months ago }"));
  auto const before = azure.get("/keys/root").at("key/kid");
  set(azure, R"({"kind":"lag","path":"*/rotate","lag_s":30,"nth":1})");
  auto const made = AzureCaller::reply(rotate(azure));
  CHECK(made.status == 200);
  CHECK(azure.get("/keys/root").at("key/kid") == before);
  CHECK(versions(azure) == 1);
  CHECK(azure.get("/keys/root/" + AzureCaller::version_of(made)).status == 404);
  azure.wait(std::chrono::seconds(30));
  CHECK(azure.get("/keys/root").at("key/kid") == made.at("key/kid"));
}

TEST_CASE("Rules that are no good are refused with the field that is wrong") {
  AzureCaller azure(vault_with("{ name: root }"));
  auto const rule =
      GENERATE(R"({"kind":"explode"})", R"({"kind":"latency"})", R"({"kind":"lag"})", R"({})", "no JSON",
               R"({"kind":"html","probability":2})", R"({"kind":"html","color":"red"})",
               R"({"kind":"html","nth":1,"skip":1})", R"({"kind":"refuse","status":200})", R"([1])");
  auto const reply = AzureCaller::reply(azure.raw("POST", "sim.localhost", "/faults", rule));
  CHECK(reply.status == 400);
  CHECK_FALSE(reply.at("error").empty());
  CHECK(azure.get("/keys/root").status == 200);
}

TEST_CASE("Rules can be cleared, and chance is the seed's") {
  AzureCaller azure(vault_with("{ name: root }"));
  set(azure, R"({"kind":"refuse","status":500,"host":"kv1.*","probability":0.5})");
  int refused = 0;
  for (int i = 0; i < 200; ++i) refused += azure.get("/keys/root").status == 500 ? 1 : 0;
  CHECK(refused > 60);
  CHECK(refused < 140);
  CHECK(azure.raw("DELETE", "sim.localhost", "/faults").answer.status == 204);
  for (int i = 0; i < 50; ++i) CHECK(azure.get("/keys/root").status == 200);
}

TEST_CASE("The control host shows keys, counts requests and proves DEKs") {
  AzureCaller azure(vault_with("{ name: root, created: 2 months ago, deks: 3 }") + "\n    " +
                    hsm_with("{ name: aes, kty: oct-HSM, deks: 2 }"));
  auto const control = [&azure](char const* method, std::string const& path, std::string const& body = {}) {
    return AzureCaller::reply(azure.raw(method, "sim.localhost", path, body));
  };
  auto const deks = control("GET", "/state/deks").json.at("deks").as_array();
  REQUIRE(deks.size() == 5);
  for (auto const& dek : deks) {
    auto const proof = control("POST", "/unwrap-check", json::serialize(dek));
    CHECK(proof.at("dek_sha256") == dek.at("dek_sha256").as_string());
  }
  auto wrong = deks.at(0).as_object();
  wrong["key_version"] = "00000000000000000000000000000000";
  CHECK(control("POST", "/unwrap-check", json::serialize(wrong)).status == 422);
  CHECK(control("POST", "/unwrap-check", "{}").status == 400);
  azure.post("/keys/root/rotate");
  auto const state = control("GET", "/state");
  auto const& vault = state.json.at("services").at(0);
  CHECK(vault.at("vault") == "kv1");
  CHECK(vault.at("keys").at("root").at("versions").as_array().size() == 2);
  CHECK(state.json.at("requests").at("kv1.vault.azure.net").at("keys.rotate 200") == 1);
  CHECK(control("GET", "/nonsense").status == 404);
}

TEST_CASE("A host that nobody serves is told so") {
  AzureCaller azure(vault_with("{ name: root }"));
  CHECK(azure.raw("GET", "kv9.vault.azure.net", "/keys").answer.status == 404);
}
