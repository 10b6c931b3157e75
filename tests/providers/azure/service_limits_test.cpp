#include "providers/azure/service_limits.hpp"

#include "providers/azure/vault_limits.hpp"
#include "tests/support/virtual_clock.hpp"

#include <catch2/catch.hpp>

using namespace rekeyd;
using namespace rekeyd::providers;
using namespace rekeyd::providers::azure;
using namespace std::chrono_literals;

namespace {

struct Told {
  char const* method;
  char const* target;
  VaultWork work;
  char const* key;
};

KeyType rsa(unsigned bits, Protection protection = Protection::software) {
  return {KeyAlgorithm::rsa, bits, protection};
}

Endpoint const pay{.host = "pay.vault.azure.net"};
Endpoint const other{.host = "other.vault.azure.net"};
Instant const noon = parse_rfc3339("2026-03-01T12:00:00Z").value();

std::int64_t cost(Charges const& charges) { return charges.empty() ? 0 : charges.front().cost; }

}  // namespace

TEST_CASE("each request to a vault is told apart by what its limits count") {
  auto const told =
      GENERATE(Told{"POST", "/keys/CMK/create?api-version=7.5", VaultWork::create, "cmk"},
               Told{"POST", "/keys/cmk/rotate?api-version=7.5", VaultWork::create, "cmk"},
               Told{"POST", "/keys/cmk/0123/release?api-version=7.5", VaultWork::create, "cmk"},
               Told{"PUT", "/keys/cmk?api-version=7.5", VaultWork::import, "cmk"},
               Told{"POST", "/keys/cmk/0123/wrapkey?api-version=7.5", VaultWork::protect, "cmk"},
               Told{"POST", "/keys/cmk/0123/unwrapkey?api-version=7.5", VaultWork::open, "cmk"},
               Told{"GET", "/keys/cmk?api-version=7.5", VaultWork::key, "cmk"},
               Told{"GET", "/keys/cmk/versions?maxresults=25&api-version=7.5", VaultWork::key, "cmk"},
               Told{"PUT", "/keys/cmk/rotationpolicy?api-version=7.5", VaultWork::key, "cmk"},
               Told{"PATCH", "/keys/cmk/0123?api-version=7.5", VaultWork::key, "cmk"},
               Told{"DELETE", "/keys/cmk?api-version=7.5", VaultWork::remove, "cmk"},
               Told{"GET", "/deletedkeys/cmk?api-version=7.5", VaultWork::key, "cmk"},
               Told{"POST", "/deletedkeys/cmk/recover?api-version=7.5", VaultWork::remove, "cmk"},
               Told{"GET", "/keys?maxresults=25", VaultWork::vault, ""},
               Told{"GET", "/deletedkeys", VaultWork::vault, ""}, Told{"GET", "", VaultWork::vault, ""},
               Told{"GET", "/", VaultWork::vault, ""});
  CAPTURE(told.method, told.target);
  auto const request = vault_request(told.method, told.target);
  CHECK(request.work == told.work);
  CHECK(request.key == told.key);
}

TEST_CASE("heavier keys take more of a vault's limit, in the published proportion") {
  auto const units = [](VaultWork work, KeyType const& type) {
    return vault_demand(AzureKind::key_vault, work, type).units;
  };
  CHECK(units(VaultWork::open, rsa(2048)) == 1);
  CHECK(units(VaultWork::open, rsa(3072)) == 4);
  CHECK(units(VaultWork::key, rsa(4096)) == 8);
  CHECK(units(VaultWork::key, rsa(4096, Protection::hsm)) == 16);
  CHECK(units(VaultWork::protect, {KeyAlgorithm::ec, 256, Protection::hsm}) == 2);
  CHECK(units(VaultWork::create, rsa(4096)) == 1);
  CHECK(units(VaultWork::create, rsa(2048, Protection::hsm)) == 2);
  // A size that no table names counts as the next larger one.
  CHECK(units(VaultWork::open, rsa(2560)) == 4);
  CHECK(units(VaultWork::open, rsa(8192)) == 8);
  CHECK(vault_demand(AzureKind::key_vault, VaultWork::open, std::nullopt).units == 16);
  CHECK(vault_demand(AzureKind::key_vault, VaultWork::key, std::nullopt).units == 2);
  CHECK(vault_demand(AzureKind::key_vault, VaultWork::vault, std::nullopt).limit ==
        VaultLimit::vault_transactions);
}

TEST_CASE("a pool's operations share one second of its hardware") {
  auto const units = [](VaultWork work, KeyType const& type) {
    return vault_demand(AzureKind::managed_hsm, work, type).units;
  };
  CHECK(units(VaultWork::open, rsa(4096, Protection::hsm)) == 6'250);
  CHECK(units(VaultWork::protect, {KeyAlgorithm::aes, 256, Protection::hsm}) == 477);
  CHECK(units(VaultWork::key, rsa(4096, Protection::hsm)) == 910);
  CHECK(published_limit(AzureKind::managed_hsm, VaultLimit::creations).units == 1);
  CHECK_FALSE(published_region_limit(AzureKind::managed_hsm, VaultLimit::key_transactions));
}

TEST_CASE("two users of one vault draw on one limit, and the lesser share counts") {
  test::VirtualClock clock(noon);
  VaultLimits limits(clock);
  CHECK(limits.charges(pay, "GET", "/keys/cmk").empty());
  limits.add(pay, AzureKind::key_vault, 80);
  auto const first = limits.charges(pay, "GET", "/keys/cmk");
  limits.add(pay, AzureKind::key_vault, 30);
  auto const second = limits.charges(pay, "GET", "/keys/other");
  REQUIRE(first.size() == 1);
  CHECK(first.front().allowance == second.front().allowance);
  CHECK(second.front().allowance->allowance.percent() == 30);
  auto const create = limits.charges(pay, "POST", "/keys/cmk/create");
  CHECK(create.front().allowance != first.front().allowance);
  CHECK(create.front().allowance->allowance.percent() == 30);
}

TEST_CASE("what a key weighs is learned from its first reading, which is made good") {
  test::VirtualClock clock(noon);
  VaultLimits limits(clock);
  limits.add(pay, AzureKind::key_vault, 100);
  auto const reading = limits.charges(pay, "GET", "/keys/cmk");
  CHECK(cost(reading) == 2);
  for (int i = 0; i < 400; ++i) limits.learn_type(pay, "key" + std::to_string(i), rsa(4096, Protection::hsm));
  CHECK(reading.front().allowance->allowance.ready_at(clock.mono_now(), 1) > clock.mono_now());
  limits.learn_type(pay, "cmk", rsa(3072));
  CHECK(cost(limits.charges(pay, "GET", "/keys/CMK/versions")) == 4);
  CHECK(cost(limits.charges(pay, "POST", "/keys/cmk/01/unwrapkey")) == 4);
  limits.learn_type(other, "cmk", rsa(3072));
  CHECK(limits.charges(other, "GET", "/keys/cmk").empty());
}

TEST_CASE("the vaults of a region share five times a vault's limit once their region is known") {
  test::VirtualClock clock(noon);
  VaultLimits limits(clock);
  limits.add(pay, AzureKind::key_vault, 50);
  limits.add(other, AzureKind::key_vault, 50);
  limits.learn_region(pay, "westeurope");
  limits.learn_region(pay, "northeurope");
  limits.learn_region(other, "");
  CHECK(limits.charges(other, "GET", "/keys/cmk").size() == 1);
  limits.learn_region(other, "westeurope");
  auto const one = limits.charges(pay, "GET", "/keys/cmk");
  auto const two = limits.charges(other, "GET", "/keys/cmk");
  REQUIRE(one.size() == 2);
  REQUIRE(two.size() == 2);
  CHECK(one[0].allowance != two[0].allowance);
  CHECK(one[1].allowance == two[1].allowance);
  CHECK_FALSE(one[1].blamed);
  CHECK(one[1].allowance->allowance.per_second() == Approx(5 * one[0].allowance->allowance.per_second()));
}
