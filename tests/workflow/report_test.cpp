// What the daemon tells of its keys: since when, why, and which words of the policies concern nothing.
#include "tests/workflow/living_daemon.hpp"
#include "tests/workflow/small_world.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

namespace rekeyd {
namespace {

using Catch::Matchers::Contains;
using test::LivingDaemon;

void settle_all_five(LivingDaemon& life) {
  life.start();
  REQUIRE(life.run_until([&] { return life.daemon().keys().size() == 5 && life.settled(); }));
}

std::string all_of(std::vector<std::string> const& lines) {
  std::string text;
  for (std::string const& line : lines) text += line + "\n";
  return text;
}

daemon::KeyReport report_of(LivingDaemon& life, std::string const& key) {
  for (daemon::KeyReport const& report : life.daemon().keys()) {
    if (report.key.text() == key) return report;
  }
  FAIL("no such key: " << key);
  return {};
}

TEST_CASE("every state of a key says since when") {
  LivingDaemon::Files files = test::small_world();
  files.policies =
      "version: 1\npolicies:\n"
      "  - { name: ledgers, match: { key: cmk-ledger }, every: 6 months }\n"
      "  - { name: a, match: { provider: hsm-prod, key: cmk-m* }, every: 6 months }\n"
      "  - { name: b, match: { provider: hsm-prod, key: cmk-*er }, every: 6 months }\n"
      "  - { name: fresh, match: { key: cmk-fresh }, every: 6 months, mode: observe }\n";
  LivingDaemon life(files);
  settle_all_five(life);
  auto const ready = report_of(life, test::vault_key);
  CHECK(ready.verdict.status == KeyStatus::ready);
  CHECK(ready.verdict.since == ready.current_created);
  auto const blocked = report_of(life, test::hsm_key);
  CHECK(blocked.verdict.reason == "policy_conflict");
  CHECK(blocked.verdict.since.has_value());
  auto const unclaimed = report_of(life, test::ibm_key);
  CHECK(unclaimed.verdict.reason == "no_policy");
  CHECK(unclaimed.verdict.since.has_value());
  auto const watched = report_of(life, "azure-prod/payments-eu/cmk-fresh");
  CHECK(watched.verdict.status == KeyStatus::observed);
  CHECK(watched.verdict.since.has_value());

  auto const changed = life.clock().wall_now() + std::chrono::hours(1);
  life.run_for(std::chrono::hours(1));
  REQUIRE(life.daemon().reload("a test"));
  CHECK(report_of(life, test::hsm_key).verdict.since == changed);
  CHECK(life.daemon().status().attention.front().verdict.since == changed);
}

TEST_CASE("a plan says how each date comes about") {
  LivingDaemon::Files files = test::small_world();
  files.policies =
      "version: 1\npolicies:\n"
      "  - { name: exact, match: { key: cmk-fresh }, every: 2 months, spread: 0 seconds }\n"
      "  - { name: spread, match: { key: crk-fresh }, every: 6 months, spread: 28 days }\n";
  LivingDaemon life(files);
  settle_all_five(life);
  auto const plan = life.daemon().plan(life.clock().wall_now() + std::chrono::days(200));
  std::vector<std::string> exact, spread;
  for (auto const& entry : plan.entries) (entry.name == "cmk-fresh" ? exact : spread).push_back(entry.why);
  REQUIRE(exact.size() == 3);
  CHECK_THAT(exact[0], Catch::StartsWith("version of 2026-11-14T00:00:00Z + 2 months ("));
  CHECK_THAT(exact[2], Catch::StartsWith("version of 2026-11-14T00:00:00Z + 3 x 2 months ("));
  REQUIRE(spread.size() == 1);
  CHECK_THAT(spread[0], Contains("+ 6 months + ") && Contains(" s of spread (") && Contains("all.yaml:4:"));
  CHECK(plan.keys_without_policy == 3);
}

TEST_CASE("a plan holds no date of a key that will not rotate, and says why") {
  LivingDaemon::Files files = test::small_world();
  auto const policy = files.world_text.find("rotation_policy: neutral");
  files.world_text.replace(policy, std::string("rotation_policy: neutral").size(),
                           "rotation_policy: { rotate_after_create: P90D }");
  auto const managed = files.world_text.find("{ name: cmk-fresh,");
  files.world_text.insert(managed + 2, "managed: true, ");
  LivingDaemon life(files);
  settle_all_five(life);
  REQUIRE(report_of(life, test::hsm_key).verdict.reason == "provider_rotates_too");
  REQUIRE(report_of(life, "azure-prod/payments-eu/cmk-fresh").verdict.reason == "managed_elsewhere");
  auto const plan = life.daemon().plan(life.clock().wall_now() + std::chrono::days(365));
  CHECK_FALSE(plan.entries.empty());
  for (auto const& entry : plan.entries) {
    CHECK(entry.key.text() != test::hsm_key);
    CHECK(entry.name != "cmk-fresh");
  }
  CHECK_THAT(all_of(plan.findings), Contains(std::string(test::hsm_key) + ": the provider rotates this key"));
}

TEST_CASE("an exception and a policy that concern no key are told with their place") {
  LivingDaemon::Files files = test::small_world();
  files.policies =
      "version: 1\npolicies:\n"
      "  - name: all\n"
      "    match: { key: \"*\" }\n"
      "    every: 6 months\n"
      "    keys:\n"
      "      - { key: cmk-ledgr, every: 1 month }\n"
      "      - { key: cmk-fresh, every: 3 months }\n"
      "  - { name: nobody, match: { vault: payment-*, key: cmk-* }, every: 3 months }\n";
  LivingDaemon life(files);
  life.start();
  CHECK(life.daemon().status().warnings.empty());
  REQUIRE(life.run_until([&] { return life.daemon().keys().size() == 5 && life.settled(); }));
  auto const warnings = life.daemon().status().warnings;
  REQUIRE(warnings.size() == 1);
  CHECK_THAT(warnings.front(),
             Contains("all.yaml:7:9: warning: the exception for 'cmk-ledgr' decides for none of the keys of "
                      "policy 'all'") &&
                 Contains("did you mean 'cmk-ledger'?"));
  auto const findings = all_of(life.daemon().plan(life.clock().wall_now()).findings);
  CHECK_THAT(findings, Contains("'cmk-ledgr'") &&
                           Contains("all.yaml:9:5: warning: policy 'nobody' decides for no key"));
  CHECK_THAT(findings, !Contains("cmk-fresh"));
}

TEST_CASE("keys that live on a service which is shut down are told until they have moved") {
  LivingDaemon::Files files = test::small_world();
  auto const replace = [](std::string& text, std::string const& what, std::string const& by) {
    auto const at = text.find(what);
    REQUIRE(at != std::string::npos);
    text.replace(at, what.size(), by);
  };
  replace(files.world_text, "flavour: key-protect", "flavour: hpcs");
  replace(files.settings, "kind: ibm-key-protect", "kind: ibm-hpcs");
  replace(files.settings, "https://us-south.kms.cloud.ibm.com",
          "https://0a0a0a0a-0000-4000-8000-000000000001.api.us-south.hs-crypto.appdomain.cloud");
  LivingDaemon life(files);
  settle_all_five(life);
  auto const warnings = all_of(life.daemon().status().warnings);
  CHECK_THAT(warnings, Contains("ibm-prod: 2 keys live on Hyper Protect Crypto Services") &&
                           Contains("March 2027") && Contains(test::ibm_key));
}

}  // namespace
}  // namespace rekeyd
