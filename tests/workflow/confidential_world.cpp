#include "tests/workflow/confidential_world.hpp"

#include "tests/workflow/azure_world.hpp"
#include "tests/workflow/small_world.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace rekeyd::test {

char const* const machines_key = "azure-prod/machines-eu/cmk-cvm";

namespace {

constexpr char const* world_text = R"(version: 1
rsa_pool: {{ size: 4, bits: [2048] }}
azure:
  tenants:
    - id: 11111111-2222-4333-8444-555555555555
      clients: [{{ id: 66666666-7777-4888-8999-000000000001, secret: demo-azure-secret }}]
  vaults:
    - name: machines-eu
      tenant: 11111111-2222-4333-8444-555555555555
      envelope_provider: azure-prod
      keys:
        - {{ name: cmk-cvm, kty: RSA-HSM, created: 14 months ago, versions: 2, every: 7 months{} }}
        - {{ name: cmk-fresh, created: 8 days ago }}
        - {{ name: cmk-hsm, kty: RSA-HSM, created: 8 days ago }}
        - {{ name: cmk-cvm-2, kty: RSA-HSM, created: 8 days ago{} }}
  resource_manager: {{ start_s: 70, deallocate_s: 50, key_change_s: 20 }}
  subscriptions:
    - id: 99999999-aaaa-4bbb-8ccc-000000000001
      tenant: 11111111-2222-4333-8444-555555555555
      resource_groups: [{{ name: apps }}]
      disk_encryption_sets:
{}      virtual_machines:
{}{}
)";

constexpr char const* release_policy = R"(, exportable: true,
            release_policy: '{"version":"1.0.0","anyOf":[{"authority":"https://sharedweu.weu.attest.azure.net/","allOf":[{"claim":"x-ms-attestation-type","equals":"sevsnpvm"}]}]}')";

}  // namespace

LivingDaemon::Files confidential_world(ConfidentialWorld const& world) {
  std::string const policies = fmt::format(
      "version: 1\npolicies:\n  - {{ name: all, match: {{ key: \"*\" }}, every: 6 months, spread: 0 seconds, "
      "confidential_vms: {} }}\n",
      world.rules);
  return {.world = {},
          .world_text = fmt::format(world_text, world.exportable ? release_policy : "", release_policy,
                                    indented(world.sets, 8), indented(world.machines, 8), world.subscription),
          .settings = arm_settings("machines-eu"),
          .policies = policies};
}

std::string machine_id(std::string const& name) { return resource_id("virtualmachines", name); }

sim::VmTruth machine_truth(LivingDaemon& life, std::string const& name) {
  auto const truth = life.cloud().resources_as_they_are(life.clock().wall_now());
  auto const found = std::ranges::find(truth.virtual_machines, machine_id(name), &sim::VmTruth::id);
  REQUIRE(found != truth.virtual_machines.end());
  return *found;
}

std::size_t running(LivingDaemon& life) {
  auto const truth = life.cloud().resources_as_they_are(life.clock().wall_now());
  return static_cast<std::size_t>(
      std::ranges::count(truth.virtual_machines, "running", &sim::VmTruth::power));
}

bool on_current(LivingDaemon& life, std::string const& set) {
  sim::DesTruth const truth = set_truth(life, set);
  return truth.complete && truth.previous_keys.empty() &&
         truth.active_key.ends_with("/" + current_version(life, machines_key));
}

void machine_act(LivingDaemon& life, std::string const& name, std::string const& act,
                 std::string const& more) {
  people(
      life, "/virtual-machines",
      fmt::format(R"({{"id":"{}","act":"{}"{}{}}})", machine_id(name), act, more.empty() ? "" : ",", more));
}

void require_machines_as_they_were(LivingDaemon& life) {
  for (char const* const name : {"cvm-1", "cvm-2", "cvm-3", "cvm-4"}) {
    sim::VmTruth const machine = machine_truth(life, name);
    INFO(name);
    CHECK(machine.power == "running");
    CHECK(machine.can_start);
  }
  for (char const* const name : {"idle-1", "idle-2"}) {
    sim::VmTruth const machine = machine_truth(life, name);
    INFO(name);
    CHECK(machine.power == "deallocated");
    CHECK(machine.stops.empty());
    CHECK(machine.can_start);
  }
}

}  // namespace rekeyd::test
