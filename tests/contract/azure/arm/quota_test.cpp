#include "tests/contract/azure/arm/arm_caller.hpp"

#include <catch2/catch.hpp>

using namespace rekeyd::sim;
using namespace rekeyd::sim::test;

namespace {

ArmWorld const limited{
    "{ name: des1, key: kv1/disk }", "{ name: vm1 }, { name: vm2 }", {}, "  limits: published\n"};
std::string const machines = ArmCaller::machines;

}  // namespace

TEST_CASE("What is left is told with every answer") {
  ArmCaller arm({"{ name: des1, key: kv1/disk }", "{ name: vm1 }", {}, {}});
  auto const read = arm.get(machines + "vm1");
  CHECK(read.header("x-ms-ratelimit-remaining-subscription-reads") == "249");
  CHECK(read.header("x-ms-ratelimit-remaining-subscription-global-reads") == "3749");
  CHECK(read.header("x-ms-ratelimit-remaining-resource").starts_with("Microsoft.Compute/GetVMResource;35,"));
  auto const change = arm.change_key("des1", arm.current("disk"));
  CHECK(change.header("x-ms-ratelimit-remaining-subscription-global-writes") == "2999");
  CHECK(change.header("x-ms-ratelimit-remaining-resource")
            .starts_with("Microsoft.Compute/HighCostDiskEncryptionSet3Min;99,"));
}

TEST_CASE("Azure Resource Manager allows 250 reads at once and 25 a second after that") {
  ArmCaller arm(limited);
  std::string const sub = std::string("/subscriptions/") + subscription;
  int allowed = 0;
  for (int i = 0; i < 300; ++i) allowed += arm.get(sub).status == 200 ? 1 : 0;
  CHECK(allowed == 250);
  auto const refused = arm.get(sub);
  CHECK(refused.status == 429);
  CHECK(refused.at("error/code") == "SubscriptionRequestsThrottled");
  CHECK(refused.header("retry-after") == "1");
  CHECK(refused.header("x-ms-ratelimit-remaining-subscription-reads") == "0");
  arm.wait(std::chrono::seconds(1));
  allowed = 0;
  for (int i = 0; i < 40; ++i) allowed += arm.get(sub).status == 200 ? 1 : 0;
  CHECK(allowed == 25);
}

TEST_CASE("Compute allows twelve reads of a machine's state a minute after the first 36, in its own words") {
  ArmCaller arm(limited);
  int allowed = 0;
  for (int i = 0; i < 50; ++i) allowed += arm.get(machines + "vm1/instanceView").status == 200 ? 1 : 0;
  CHECK(allowed == 36);
  auto const refused = arm.get(machines + "vm1/instanceView");
  CHECK(refused.status == 429);
  CHECK(refused.at("code") == "OperationNotAllowed");
  CHECK(refused.value("error").is_null());
  CHECK(refused.value("details").at(0).at("code") == "TooManyRequests");
  CHECK(refused.header("retry-after") == "5");
  CHECK(arm.get(machines + "vm2/instanceView").status == 200);
  arm.wait(std::chrono::seconds(5));
  CHECK(arm.get(machines + "vm1/instanceView").status == 200);
}

TEST_CASE("A machine may be started and stopped twelve times, and then four times a minute") {
  ArmCaller arm(limited);
  int allowed = 0;
  for (int i = 0; i < 20; ++i) {
    allowed += arm.post(machines + (i % 2 == 0 ? "vm1/start" : "vm1/deallocate")).status != 429 ? 1 : 0;
  }
  CHECK(allowed == 12);
}

TEST_CASE("An operation may be asked after 45 times, and then every four seconds") {
  ArmCaller arm(limited);
  auto const stop = arm.post(machines + "vm1/deallocate");
  int allowed = 0;
  for (int i = 0; i < 60; ++i) allowed += arm.status(stop).status == 200 ? 1 : 0;
  CHECK(allowed == 45);
  arm.wait(std::chrono::seconds(4));
  CHECK(arm.status(stop).status == 200);
}
