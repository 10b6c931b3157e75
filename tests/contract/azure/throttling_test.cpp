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
