#include "providers/azure/arm_limits.hpp"

#include "tests/support/virtual_clock.hpp"

#include <catch2/catch.hpp>

using namespace rekeyd;
using namespace rekeyd::providers;
using namespace rekeyd::providers::azure;
using namespace std::chrono_literals;

namespace {

Instant const noon = parse_rfc3339("2026-03-01T12:00:00Z").value();
ArmLimits::Caller const anna{"tenant/anna", 100};
std::string const sub = "/subscriptions/99999999-AAAA-4bbb-8ccc-000000000001";
std::string const compute = sub + "/resourceGroups/Apps/providers/Microsoft.Compute";

struct World {
  test::VirtualClock clock{noon};
  ArmLimits limits{clock};

  Charges set_change() {
    return limits.charges(anna, "PATCH", compute + "/diskEncryptionSets/s?api-version=1");
  }
  void answer_set_change(Headers headers) {
    HttpResponse response;
    response.status = 200;
    response.headers = std::move(headers);
    limits.learn(anna, "PATCH", compute + "/diskEncryptionSets/s?api-version=1", response);
  }
  Clock::Mono::duration wait_of(Charges const& charges) {
    auto ready = clock.mono_now();
    for (Charge const& charge : charges)
      ready = std::max(ready, charge.allowance->allowance.ready_at(clock.mono_now(), charge.cost));
    return ready - clock.mono_now();
  }
};

}  // namespace

TEST_CASE("each request to Resource Manager is told apart by what its limits count") {
  auto const work = [](char const* method, std::string const& target) {
    return arm_request(method, target).work;
  };
  CHECK(work("GET", compute + "/diskEncryptionSets") == ArmWork::set_read);
  CHECK(work("GET", compute + "/diskEncryptionSets/s/associatedResources") == ArmWork::set_read);
  CHECK(work("PATCH", compute + "/diskEncryptionSets/s?api-version=1") == ArmWork::set_change);
  CHECK(work("GET", sub + "/providers/Microsoft.Compute/virtualMachines") == ArmWork::machine_list);
  CHECK(work("GET", compute + "/virtualMachines/vm1/instanceView") == ArmWork::machine_read);
  CHECK(work("POST", compute + "/virtualMachines/vm1/deallocate") == ArmWork::machine_change);
  CHECK(work("GET", sub + "/providers/Microsoft.Compute/locations/westeurope/operations/1-2?c=3") ==
        ArmWork::operation);
  CHECK(work("GET", sub + "/providers/Microsoft.Compute/locations/we/DiskOperations/1-2") ==
        ArmWork::operation);
  CHECK(work("GET", sub + "/providers/Microsoft.Authorization/locks") == ArmWork::other);
  CHECK(work("GET", "") == ArmWork::other);
  auto const request = arm_request("DELETE", compute + "/virtualMachines/VM1");
  CHECK(request.verb == ArmVerb::remove);
  CHECK(request.subscription == "99999999-aaaa-4bbb-8ccc-000000000001");
  CHECK(request.resource == "machine vm1 in apps");
}

TEST_CASE("requests draw on the limits of machine, kind and principal, the narrowest first") {
  World world;
  auto const read = world.limits.charges(anna, "GET", compute + "/virtualMachines/vm1");
  auto const same =
      world.limits.charges({"tenant/ben", 100}, "GET", compute + "/virtualMachines/VM1/instanceView");
  auto const next = world.limits.charges(anna, "GET", compute + "/virtualMachines/vm2");
  REQUIRE(read.size() == 3);
  CHECK(read[0].allowance == same[0].allowance);
  CHECK(read[0].allowance != next[0].allowance);
  CHECK(read[1].allowance == next[1].allowance);
  CHECK(read[2].allowance == next[2].allowance);
  CHECK(read[2].allowance != same[2].allowance);
  CHECK_FALSE(read[2].blamed);
  CHECK(world.limits.charges(anna, "GET", sub + "/resourceGroups").front().blamed);
}

TEST_CASE("what an answer says is left slows requests down before it is used up") {
  World world;
  auto const left = [](std::string const& three, std::string const& thirty) {
    return Headers{{"X-Ms-RateLimit-Remaining-Resource",
                    "Microsoft.Compute/HighCostDiskEncryptionSet3Min;" + three +
                        ",Microsoft.Compute/HighCostDiskEncryptionSet30Min;" + thirty}};
  };
  world.answer_set_change(left("99", "299"));
  CHECK(world.wait_of(world.set_change()) == 0s);
  world.answer_set_change(left("30", "30"));
  CHECK(world.wait_of(world.set_change()) == 0s);
  world.answer_set_change(left("25", "29"));
  CHECK(world.wait_of(world.set_change()) >= 6s);
  CHECK(world.wait_of(world.set_change()) <= 7s);
  // Reads of other things go on.
  CHECK(world.wait_of(world.limits.charges(anna, "GET", sub + "/resourceGroups")) == 0s);
}

TEST_CASE("Resource Manager's own remaining requests are believed, those of the whole subscription, too") {
  World world;
  world.answer_set_change({{"x-ms-ratelimit-remaining-subscription-writes", "150"},
                           {"x-ms-ratelimit-remaining-subscription-global-writes", "0"}});
  auto const wait = world.wait_of(world.set_change());
  CHECK(wait >= 99ms);
  CHECK(wait <= 101ms);
  CHECK(world.wait_of(world.limits.charges(anna, "GET", sub + "/resourceGroups")) == 0s);
}

TEST_CASE("headers that make no sense change nothing") {
  World world;
  auto const nonsense =
      GENERATE("", ";", ",,,", "Microsoft.Compute/X3Min", "Microsoft.Compute/X3Min;-4", "X;1e9",
               "Microsoft.Compute/X99999999999999999999Min;12", "a;999999999999999999999999");
  world.answer_set_change({{"x-ms-ratelimit-remaining-resource", nonsense},
                           {"x-ms-ratelimit-remaining-subscription-writes", nonsense}});
  CHECK(world.wait_of(world.set_change()) == 0s);
}

TEST_CASE("limits of machines that nobody asks for any more are forgotten") {
  World world;
  auto const first = world.limits.charges(anna, "GET", compute + "/virtualMachines/vm0").front().allowance;
  std::weak_ptr<SharedAllowance> gone;
  for (int i = 1; i < 2'000; ++i) {
    auto const charges =
        world.limits.charges(anna, "GET", compute + "/virtualMachines/vm" + std::to_string(i));
    if (i == 1) gone = charges.front().allowance;
  }
  CHECK(gone.expired());
  CHECK(first == world.limits.charges(anna, "GET", compute + "/virtualMachines/vm0").front().allowance);
}
