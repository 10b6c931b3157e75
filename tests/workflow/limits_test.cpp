// rekeyd against vaults that keep Azure's published limits: nothing is refused, and no room is wasted.
#include "tests/workflow/azure_world.hpp"
#include "tests/workflow/small_world.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include <unistd.h>

using namespace rekeyd;
using test::LivingDaemon;

namespace {

constexpr char const* world_text = R"(version: 1
rsa_pool: {{ size: 4, bits: [2048] }}
azure:
  limits: published
  limit_windows: {}
  tenants:
    - id: 11111111-2222-4333-8444-555555555555
      clients: [{{ id: 66666666-7777-4888-8999-000000000001, secret: demo-azure-secret }}]
  vaults:
    - name: payments-eu
      tenant: 11111111-2222-4333-8444-555555555555
      envelope_provider: azure-prod
      keys: [{}]
)";

constexpr char const* settings_text = R"(version: 1
policies: policies.d
inventory: {{ every: 7 days }}
rotations: {{ per_hour: 1000, in_flight: 8, storm_warning_percent: 100, storm_hold_percent: 100 }}
providers:
  - name: azure-prod
    kind: azure-key-vault
    credentials: {{ tenant: 11111111-2222-4333-8444-555555555555, client_id: 66666666-7777-4888-8999-000000000001,
                   client_secret: {{ credential: azure-prod }} }}
    vaults: [payments-eu]
    limits: {{ in_flight: 32{} }}
dek_stores:
  - {{ name: apps, kind: envelope-directory, path: deks }}
)";

constexpr char const* policies_text = R"(version: 1
policies:
  - { name: all, match: { key: "*" }, every: 6 months, spread: 0 seconds }
)";

LivingDaemon::Files limited_world(std::string const& keys, std::string const& limits = "",
                                  std::string const& windows = "sliding") {
  LivingDaemon::Files files;
  files.world_text = fmt::format(world_text, windows, keys);
  files.settings = fmt::format(settings_text, limits);
  files.policies = policies_text;
  return files;
}

/// Twenty thousand files in memory where the system has room there: what the disk makes of them is not what
/// is measured. Every test case is a process of its own.
void keep_files_in_memory() {
  if (::access("/dev/shm", W_OK) == 0) ::setenv("TMPDIR", "/dev/shm", 1);
}

/// How many requests the clouds have answered with that status.
std::uint64_t answered(LivingDaemon& life, std::string const& status) {
  std::uint64_t count = 0;
  boost::json::value const counts = life.cloud().request_counts();
  for (auto const& host : counts.as_object()) {
    for (auto const& kind : host.value().as_object()) {
      if (std::string_view(kind.key()).ends_with(" " + status))
        count += kind.value().to_number<std::uint64_t>();
    }
  }
  return count;
}

/// Lets the daemon rewrap `deks` and gives the calls a second in which it did, listings and all.
double rate_of_rewrap(LivingDaemon& life, std::size_t deks) {
  life.start();
  auto& network = life.network();
  REQUIRE(life.run_until([&] {
    return !network.sent().empty() && network.sent().back().find("/unwrapkey") != std::string::npos;
  }));
  auto const began = life.clock().mono_now();
  auto const calls = network.sent().size();
  REQUIRE(life.run_until([&] { return network.sent().size() >= calls + deks; }, std::chrono::hours(2)));
  std::chrono::duration<double> const span = life.clock().mono_now() - began;
  REQUIRE(life.run_until([&] { return life.settled(); }));
  return static_cast<double>(deks) / span.count();
}

}  // namespace

TEST_CASE("20,000 rewraps meet no 429 and take at least 0.95 of what Key Vault allows") {
  keep_files_in_memory();
  LivingDaemon life(
      limited_world("{ name: wrapping, created: 14 months ago, deks: 20000 }", ", published_percent: 100"));
  double const rate = rate_of_rewrap(life, 20'000);
  CHECK(rate >= 0.95 * 400);
  CHECK(rate <= 1.03 * 400);
  CHECK(answered(life, "429") == 0);
  CHECK(answered(life, "200") > 20'000);
  auto const provider = life.daemon().status().providers.at(0);
  CHECK(provider.calls.throttled == 0);
  CHECK(provider.calls.failed == 0);
  CHECK(provider.calls.waited_s > 0);
  CHECK(test::done(life) == 1);
}

TEST_CASE("without further settings half of the limits is taken, of HSM keys and fixed windows, too") {
  auto const windows = GENERATE("sliding", "fixed");
  LivingDaemon life(
      limited_world("{ name: wrapping, kty: RSA-HSM, created: 14 months ago, deks: 1200 }", "", windows));
  double const rate = rate_of_rewrap(life, 1'200);
  CHECK(rate >= 0.95 * 100);
  CHECK(rate <= 1.06 * 100);
  CHECK(answered(life, "429") == 0);
  test::require_deks_on_current_versions(life);
}

TEST_CASE("rotations queue for the few creations that a vault allows, and none of them fails") {
  LivingDaemon life(limited_world("{ name: \"due-{n}\", kty: RSA-HSM, created: 14 months ago, count: 60 }",
                                  ", published_percent: 100"));
  life.start();
  REQUIRE(life.run_until([&] { return test::done(life) == 60; }));
  CHECK(answered(life, "429") == 0);
  CHECK(life.daemon().status().providers.at(0).calls.failed == 0);
  auto const opened = life.events(EventKind::rotation_opened);
  auto const done = life.events(EventKind::rotation_done);
  // Sixty creations at one a second.
  CHECK(done.back().event.at - opened.front().event.at >= std::chrono::seconds(50));
  CHECK(done.back().event.at - opened.front().event.at <= std::chrono::seconds(80));
}

TEST_CASE("when others use a vault up a 429 slows us down, and the rewrap comes to its end") {
  LivingDaemon life(limited_world("{ name: wrapping, created: 14 months ago, deks: 600 }"));
  sim::FaultRule busy = test::fault("refuse", "payments-eu.*", "POST", "*/unwrapkey");
  busy.status = 429;
  busy.probability = 0.05;
  busy.times = 6;
  life.cloud().faults().add(busy);
  life.start();
  REQUIRE(life.run_until([&] { return life.settled() && test::done(life) == 1; }));
  CHECK(life.daemon().status().providers.at(0).calls.throttled >= 1);
  CHECK(life.daemon().status().providers.at(0).calls.throttled <= 6);
  test::require_deks_on_current_versions(life);
}

TEST_CASE("disk encryption sets are surveyed and moved within Resource Manager's limits") {
  std::string sets;
  for (int i = 1; i <= 60; ++i) sets += fmt::format("- {{ name: set{}, key: payments-eu/cmk-disks }}\n", i);
  auto files = test::disks_world(sets);
  files.world_text.replace(files.world_text.find("azure:\n"), 7, "azure:\n  limits: published\n");
  LivingDaemon life(files);
  life.start();
  REQUIRE(life.run_until([&] { return test::done(life) >= 1 && life.settled(); }, std::chrono::hours(48)));
  CHECK(answered(life, "429") == 0);
  for (int i = 1; i <= 60; ++i) CHECK(test::on_current_version(life, fmt::format("set{}", i)));
  auto const provider = life.daemon().status().providers.at(0);
  REQUIRE(provider.resource_calls);
  CHECK(provider.resource_calls->calls > 60);
  CHECK(provider.resource_calls->throttled == 0);
  CHECK(provider.resource_calls->failed == 0);
  CHECK(provider.calls.calls > 0);
}
