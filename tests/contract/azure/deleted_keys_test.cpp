#include "tests/contract/azure/azure_caller.hpp"

#include <catch2/catch.hpp>

using namespace rekeyd::sim;
using namespace rekeyd::sim::test;

TEST_CASE("A deleted key is for a moment nowhere, then recoverable, and its name is taken") {
  AzureCaller azure(vault_with("{ name: root, created: 3 months ago, versions: 2 }"));
  auto const deleted = azure.remove("/keys/root");
  REQUIRE(deleted.status == 200);
  CHECK(deleted.at("recoveryId") == "https://kv1.vault.azure.net/deletedkeys/root");
  CHECK(deleted.value("scheduledPurgeDate").as_int64() - deleted.value("deletedDate").as_int64() ==
        90 * 86400);
  CHECK(azure.get("/keys/root").status == 404);
  CHECK(azure.get("/deletedkeys/root").status == 404);
  auto refused = azure.post("/keys/root/create", {{"kty", "RSA"}});
  CHECK(refused.status == 409);
  CHECK(refused.at("error/innererror/code") == "ObjectIsBeingDeleted");
  CHECK(azure.remove("/deletedkeys/root").at("error/innererror/code") == "ObjectIsBeingDeleted");
  azure.wait(std::chrono::seconds(1));
  CHECK(azure.get("/deletedkeys/root").status == 200);
  CHECK(azure.get("/deletedkeys").json.at("value").as_array().size() == 1);
  CHECK(azure.get("/keys").json.at("value").as_array().empty());
  refused = azure.post("/keys/root/create", {{"kty", "RSA"}});
  CHECK(refused.at("error/innererror/code") == "ObjectIsDeletedButRecoverable");
}

TEST_CASE("A recovered key is readable after a moment, with all its versions") {
  AzureCaller azure(vault_with("{ name: root, created: 3 months ago, versions: 2 }"));
  azure.remove("/keys/root");
  azure.wait(std::chrono::seconds(1));
  CHECK(azure.post("/deletedkeys/root/recover").status == 200);
  CHECK(azure.get("/keys/root").status == 404);
  CHECK(azure.post("/keys/root/create", {{"kty", "RSA"}}).at("error/innererror/code") ==
        "ObjectIsBeingRecovered");
  azure.wait(std::chrono::seconds(1));
  CHECK(azure.all_kids("/keys/root/versions").size() == 2);
}

TEST_CASE("A purged key is gone and its name free") {
  AzureCaller azure(vault_with("{ name: root }"));
  azure.remove("/keys/root");
  azure.wait(std::chrono::seconds(1));
  CHECK(azure.remove("/deletedkeys/root").status == 204);
  CHECK(azure.get("/deletedkeys/root").status == 404);
  CHECK(azure.post("/deletedkeys/root/recover").status == 404);
  CHECK(azure.post("/keys/root/create", {{"kty", "EC"}}).status == 200);
}
