#include "tests/contract/azure/azure_caller.hpp"

#include <catch2/catch.hpp>

using namespace rekeyd::sim;
using namespace rekeyd::sim::test;

namespace {

std::string const published = "  limits: published\n";

/// How many of `tries` rotations in one moment were allowed.
int allowed_rotations(AzureCaller& azure, int tries) {
  int allowed = 0;
  for (int i = 0; i < tries; ++i) allowed += azure.post("/keys/root/rotate").status == 200 ? 1 : 0;
  return allowed;
}

}  // namespace

TEST_CASE("Key Vault allows ten creations of HSM keys in ten seconds") {
  AzureCaller azure(vault_with("{ name: root, kty: RSA-HSM }"), published);
  CHECK(allowed_rotations(azure, 15) == 10);
  auto const refused = azure.post("/keys/root/rotate");
  CHECK(refused.status == 429);
  CHECK(refused.at("error/code") == "Throttled");
  CHECK(refused.value("error/innererror").is_null());
  CHECK(refused.header("retry-after").empty());
  azure.wait(std::chrono::seconds(10));
  CHECK(azure.post("/keys/root/rotate").status == 200);
}

TEST_CASE("A throttled answer carries Retry-After when the world says so") {
  AzureCaller azure(vault_with("{ name: root, kty: RSA-HSM }"), published + "  retry_after_s: 7\n");
  CHECK(allowed_rotations(azure, 11) == 10);
  CHECK(azure.post("/keys/root/rotate").header("retry-after") == "7");
}

TEST_CASE("Managed HSM allows one creation a second") {
  AzureCaller azure(hsm_with("{ name: root, rotation_policy: neutral }"), published);
  azure.use("hsm1.managedhsm.azure.net");
  CHECK(allowed_rotations(azure, 5) == 1);
  azure.wait(std::chrono::seconds(1));
  CHECK(allowed_rotations(azure, 5) == 1);
}

TEST_CASE("Without limits nothing is throttled") {
  AzureCaller azure(vault_with("{ name: root, kty: RSA-HSM }"));
  CHECK(allowed_rotations(azure, 30) == 30);
}

namespace {

/// How many of `tries` GETs of a key in one moment were allowed.
int allowed_reads(AzureCaller& azure, std::string const& key, int tries) {
  int allowed = 0;
  for (int i = 0; i < tries; ++i) allowed += azure.get("/keys/" + key).status == 200 ? 1 : 0;
  return allowed;
}

}  // namespace

TEST_CASE("Twenty creations of software keys in ten seconds, and an HSM key counts for two") {
  AzureCaller azure(vault_with("{ name: root }"), published);
  CHECK(allowed_rotations(azure, 25) == 20);
  AzureCaller mixed(vault_with("{ name: root }, { name: hard, kty: RSA-HSM }"), published);
  for (int i = 0; i < 6; ++i) CHECK(mixed.post("/keys/hard/rotate").status == 200);
  CHECK(allowed_rotations(mixed, 25) == 8);
}

TEST_CASE("Reading a key weighs as much as its type does, in one sum over all types") {
  AzureCaller azure(vault_with("{ name: big, kty: RSA-HSM, size: 4096 }, { name: root, kty: RSA-HSM }"),
                    published);
  CHECK(allowed_reads(azure, "big", 248) == 248);
  CHECK(allowed_reads(azure, "root", 20) == 16);
}

TEST_CASE("A window slides, unless the world says that it is fixed") {
  AzureCaller sliding(vault_with("{ name: root, kty: RSA-HSM }"), published);
  sliding.wait(std::chrono::seconds(9));
  CHECK(allowed_rotations(sliding, 10) == 10);
  sliding.wait(std::chrono::seconds(1));
  CHECK(allowed_rotations(sliding, 1) == 0);
  AzureCaller fixed(vault_with("{ name: root, kty: RSA-HSM }"), published + "  limit_windows: fixed\n");
  fixed.wait(std::chrono::seconds(9));
  CHECK(allowed_rotations(fixed, 10) == 10);
  fixed.wait(std::chrono::seconds(1));
  CHECK(allowed_rotations(fixed, 10) == 10);
}

TEST_CASE("Six vaults together get no more than five are allowed") {
  std::string vaults;
  for (int i = 1; i <= 6; ++i) {
    std::string one = vault_with("{ name: root, kty: RSA-HSM }");
    one.replace(one.find("kv1"), 3, "kv" + std::to_string(i));
    vaults += (i > 1 ? "\n    " : "") + one;
  }
  AzureCaller azure(vaults, published);
  int allowed = 0;
  for (int i = 1; i <= 6; ++i) {
    azure.use("kv" + std::to_string(i) + ".vault.azure.net");
    allowed += allowed_rotations(azure, 10);
  }
  CHECK(allowed == 50);
}
