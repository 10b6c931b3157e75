#include "tests/contract/ibm/ibm_world.hpp"
#include "tests/simulator/crypto.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace rekeyd::sim::ibm;
using namespace rekeyd::sim;

namespace {

std::string action(std::string const& key, std::string const& name) {
  return "/keys/" + key + "/actions/" + name;
}

std::string body_of(std::string const& wdek, std::string const& aad = "") {
  return fmt::format(R"({{"ciphertext":"{}"{}}})", wdek, aad.empty() ? "" : ",\"aad\":" + aad);
}

json::object opened(std::string const& wdek) { return json::parse(from_base64(wdek).value()).as_object(); }

}  // namespace

TEST_CASE("wrap without a plaintext makes a DEK of 32 bytes, with one it wraps that and does not echo it") {
  IbmWorld world;
  auto const key = world.create_root_key();
  for (std::string const empty : {"", "{}"}) {
    auto const made = world.post(action(key, "wrap"), empty);
    REQUIRE(made.status == 200);
    CHECK(from_base64(made.text_at("/plaintext")).value().size() == 32);
    CHECK(made.text_at("/keyVersion/id") == world.current_version(key));
  }
  auto const given = world.post(action(key, "wrap"), R"({"plaintext":"c2VjcmV0"})");
  CHECK(given.text_at("/plaintext").empty());
  auto const back = world.post(action(key, "unwrap"), body_of(given.text_at("/ciphertext")));
  CHECK(back.text_at("/plaintext") == "c2VjcmV0");
}

TEST_CASE("A WDEK is base64 of JSON whose handle is the key version") {
  IbmWorld world;
  auto const key = world.create_root_key();
  auto const wdek = opened(world.wrap(key).wdek);
  CHECK(wdek.at("version").as_string() == "4.0.0");
  CHECK(wdek.at("handle").as_string() == world.current_version(key));
  CHECK(from_base64(std::string(wdek.at("iv").as_string())).value().size() == 12);
  CHECK(from_base64(std::string(wdek.at("ciphertext").as_string())).value().size() == 32 + 16);
  CHECK(wdek.size() == 4);
}

TEST_CASE("unwrap under the newest version gives the plaintext alone") {
  IbmWorld world;
  auto const key = world.create_root_key();
  auto const dek = world.wrap(key);
  auto const reply = world.post(action(key, "unwrap"), body_of(dek.wdek));
  REQUIRE(reply.status == 200);
  CHECK(reply.text_at("/plaintext") == dek.plaintext);
  CHECK(reply.text_at("/keyVersion/id") == world.current_version(key));
  CHECK(reply.body.as_object().size() == 2);
}

TEST_CASE("unwrap under an older version gives a fresh WDEK too") {
  IbmWorld world;
  auto const key = world.create_root_key();
  auto const old = world.current_version(key);
  auto const dek = world.wrap(key);
  REQUIRE(world.post(action(key, "rotate")).status == 204);
  auto const reply = world.post(action(key, "unwrap"), body_of(dek.wdek));
  CHECK(reply.text_at("/plaintext") == dek.plaintext);
  CHECK(reply.text_at("/keyVersion/id") == old);
  CHECK(reply.text_at("/rewrappedKeyVersion/id") == world.current_version(key));
  CHECK(opened(reply.text_at("/ciphertext")).at("handle").as_string() == world.current_version(key));
}

TEST_CASE("rewrap moves a DEK to the newest version and never shows it while the old WDEK stays good") {
  IbmWorld world;
  auto const key = world.create_root_key();
  auto const old = world.current_version(key);
  auto const dek = world.wrap(key);
  REQUIRE(world.post(action(key, "rotate")).status == 204);
  auto const newest = world.current_version(key);
  auto const reply = world.post(action(key, "rewrap"), body_of(dek.wdek));
  REQUIRE(reply.status == 200);
  CHECK(reply.text_at("/plaintext").empty());
  CHECK(reply.text_at("/keyVersion/id") == old);
  CHECK(reply.text_at("/rewrappedKeyVersion/id") == newest);
  for (auto const& wdek : {reply.text_at("/ciphertext"), dek.wdek}) {
    CHECK(world.post(action(key, "unwrap"), body_of(wdek)).text_at("/plaintext") == dek.plaintext);
  }
  auto const again = world.post(action(key, "rewrap"), body_of(reply.text_at("/ciphertext")));
  CHECK(again.status == 200);
  CHECK(again.text_at("/keyVersion/id") == newest);
  CHECK(again.text_at("/rewrappedKeyVersion/id") == newest);
}

TEST_CASE("The AAD is bound, entry by entry and in its order") {
  IbmWorld world;
  auto const key = world.create_root_key();
  auto const made = world.post(action(key, "wrap"), R"({"aad":["ab","c"]})");
  auto const wdek = made.text_at("/ciphertext");
  CHECK(world.post(action(key, "unwrap"), body_of(wdek, R"(["ab","c"])")).status == 200);
  for (std::string const wrong : {"", R"(["c","ab"])", R"(["a","bc"])", R"(["abc"])", R"(["ab"])", "[]"}) {
    INFO(wrong);
    for (std::string const name : {"unwrap", "rewrap"}) {
      auto const reply = world.post(action(key, name), body_of(wdek, wrong));
      CHECK(reply.status == 422);
      CHECK(reply.code() == "UNPROCESSABLE_CIPHERTEXT_ERR");
    }
  }
  REQUIRE(world.post(action(key, "rotate")).status == 204);
  auto const rewrapped =
      world.post(action(key, "rewrap"), body_of(wdek, R"(["ab","c"])")).text_at("/ciphertext");
  CHECK(world.post(action(key, "unwrap"), body_of(rewrapped, R"(["ab","c"])")).text_at("/plaintext") ==
        made.text_at("/plaintext"));
  CHECK(world.post(action(key, "unwrap"), body_of(rewrapped)).status == 422);
}

TEST_CASE("A foreign, changed or senseless ciphertext is refused") {
  IbmWorld world;
  auto const key = world.create_root_key("first-key");
  auto const other = world.create_root_key("other-key");
  auto const wdek = world.wrap(key).wdek;
  CHECK(world.post(action(other, "unwrap"), body_of(wdek)).status == 422);

  auto changed = opened(wdek);
  auto bytes = from_base64(std::string(changed.at("ciphertext").as_string())).value();
  bytes[0] = static_cast<char>(bytes[0] ^ 1);
  changed["ciphertext"] = base64(bytes);
  CHECK(world.post(action(key, "rewrap"), body_of(base64(json::serialize(changed)))).status == 422);

  for (std::string const text :
       {"{}", "[]", "not json", R"({"ciphertext":"","iv":"","version":"4.0.0","handle":""})",
        R"({"ciphertext":"AAAA","iv":"AAAA","version":"9","handle":"x"})"}) {
    CHECK(world.post(action(key, "unwrap"), body_of(base64(text))).status == 422);
  }
  for (std::string const name : {"unwrap", "rewrap"}) {
    auto const reply = world.post(action(key, name), body_of("%%% not base64"));
    CHECK(reply.status == 400);
    CHECK(reply.code() == "INVALID_FIELD_ERR");
    CHECK(reply.text_at("/resources/0/reasons/0/target/name") == "ciphertext");
    CHECK(world.post(action(key, name), "").code() == "NO_BODY_ERR");
    CHECK(world.post(action(key, name), "{}").code() == "INVALID_FIELD_ERR");
    CHECK(world.post(action(key, name), R"({"ciphertext":"AAAA","extra":1})").code() == "BAD_BODY_ERR");
    CHECK(world.post(action(key, name), R"({"ciphertext":["AAAA"]})").code() == "BAD_BODY_ERR");
  }
}

TEST_CASE("wrap refuses what is too long or not base64") {
  IbmWorld world;
  auto const path = action(world.create_root_key(), "wrap");
  CHECK(world.post(path, R"({"plaintext":"?"})").code() == "INVALID_FIELD_ERR");
  CHECK(world.post(path, fmt::format(R"({{"plaintext":"{}"}})", base64(std::string(3100, 'x')))).code() ==
        "INVALID_FIELD_ERR");
  CHECK(world.post(path, fmt::format(R"({{"aad":["{}"]}})", std::string(256, 'a'))).code() ==
        "INVALID_FIELD_ERR");
  CHECK(world.post(path, R"({"aad":"a"})").code() == "BAD_BODY_ERR");
}

TEST_CASE("The older form of the actions wraps and unwraps too") {
  IbmWorld world;
  auto const key = world.create_root_key();
  auto const made = world.post("/keys/" + key + "?action=wrap", "");
  REQUIRE(made.status == 200);
  auto const back = world.post("/keys/" + key + "?action=unwrap", body_of(made.text_at("/ciphertext")));
  CHECK(back.text_at("/plaintext") == made.text_at("/plaintext"));
  CHECK(world.post("/keys/" + key + "?action=rewrap", body_of(made.text_at("/ciphertext"))).status == 200);
}

TEST_CASE("The world's DEKs prove themselves, before and after a rewrap") {
  IbmWorld world(fmt::format(
      "[{{ name: payments, id: {}, created: 14 months ago, versions: 3, deks: 3, aad: [ctx] }}]", root));
  auto const deks = world.kms().seed_deks();
  REQUIRE(deks.size() == 3);
  auto const& first = deks.front();
  CHECK(first.envelope.provider == "ibm-prod");
  CHECK(first.envelope.vault == "kp-main");
  CHECK(first.envelope.key == root);
  CHECK(first.envelope.key_version == world.current_version(root));
  CHECK(first.envelope.aad == std::vector<std::string>{"ctx"});
  CHECK(world.kms().unwrap_check(first.envelope) == first.dek_sha256);

  REQUIRE(world.post(action(root, "rotate")).status == 204);
  auto moved = first.envelope;
  moved.wdek =
      world.post(action(root, "rewrap"), body_of(first.envelope.wdek, R"(["ctx"])")).text_at("/ciphertext");
  CHECK_FALSE(world.kms().unwrap_check(moved));  // it still names the old version
  moved.key_version = world.current_version(root);
  CHECK(world.kms().unwrap_check(moved) == first.dek_sha256);
  moved.aad.clear();
  CHECK_FALSE(world.kms().unwrap_check(moved));
  moved.vault = "elsewhere";
  CHECK_FALSE(world.kms().unwrap_check(moved));
}
