#include "tests/contract/azure/azure_caller.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace rekeyd::sim;
using namespace rekeyd::sim::test;

TEST_CASE("Key Vault lists versions by id, in pages whose links carry port and api-version") {
  AzureCaller azure(vault_with("{ name: root, created: 60 months ago, versions: 40, every: 1 month }"));
  auto const page = azure.get("/keys/root/versions");
  CHECK(page.json.at("value").as_array().size() == 25);
  CHECK(
      page.at("nextLink")
          .starts_with("https://kv1.vault.azure.net:443/keys/root/versions?api-version=7.5&$skiptoken=eyJ"));
  CHECK(page.at("nextLink").ends_with("&maxresults=25"));
  auto const kids = azure.all_kids("/keys/root/versions?maxresults=7");
  CHECK(kids.size() == 40);
  CHECK(std::ranges::is_sorted(kids));
  CHECK(std::ranges::adjacent_find(kids) == kids.end());
}

TEST_CASE("Managed HSM lists versions as they were made, in pages whose links lack the api-version") {
  AzureCaller azure(hsm_with("{ name: root, created: 60 months ago, versions: 40, every: 1 month }"));
  azure.use("hsm1.managedhsm.azure.net");
  auto const page = azure.get("/keys/root/versions?maxresults=10");
  CHECK(page.at("nextLink")
            .starts_with("https://hsm1.managedhsm.azure.net/keys/root/versions?maxresults=10&$skiptoken="));
  CHECK(page.at("nextLink").find("api-version") == std::string::npos);
  std::vector<std::int64_t> created;
  for (auto const& kid : azure.all_kids("/keys/root/versions?maxresults=7")) {
    created.push_back(azure.get(kid.substr(kid.find("/keys/"))).value("attributes/created").as_int64());
  }
  CHECK(created.size() == 40);
  CHECK(std::ranges::is_sorted(created));
}

TEST_CASE("Keys are listed without version, neither lost nor repeated when others are made meanwhile") {
  AzureCaller azure(vault_with("{ name: 'key-{n}', count: 30 }"));
  auto const first = azure.get("/keys?maxresults=10");
  CHECK(first.json.at("value").at(0).at("kid") == "https://kv1.vault.azure.net/keys/key-01");
  CHECK(azure.post("/keys/aaa/create", {{"kty", "EC"}}).status == 200);
  auto const link = first.at("nextLink");
  auto const rest = azure.all_kids(link.substr(link.find('/', 8)));
  CHECK(rest.size() == 20);
  CHECK(rest.front().ends_with("key-11"));
}

TEST_CASE("A last page has no further link, also when it is exactly full") {
  AzureCaller azure(vault_with("{ name: 'key-{n}', count: 25, kty: EC }"));
  auto const page = azure.get("/keys");
  CHECK(page.json.at("value").as_array().size() == 25);
  CHECK(page.value("nextLink").is_null());
}

TEST_CASE("Page sizes other than 1 to 25 and foreign skip tokens are refused") {
  AzureCaller azure(vault_with("{ name: root }"));
  auto const query = GENERATE("maxresults=0", "maxresults=26", "maxresults=x", "$skiptoken=%21%21");
  CHECK(azure.get(std::string("/keys?") + query).status == 400);
}

TEST_CASE("Under a loopback name links keep the caller's port") {
  AzureCaller azure(vault_with("{ name: 'key-{n}', count: 3, kty: EC }"));
  azure.use("kv1.vault.localhost:8443");
  CHECK(azure.get("/keys?maxresults=1")
            .at("nextLink")
            .starts_with("https://kv1.vault.localhost:8443/keys?api-version"));
}
