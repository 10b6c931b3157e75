#include "tests/workflow/azure_world.hpp"

#include "tests/workflow/small_world.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace rekeyd::test {

char const* const disks_key = "azure-prod/payments-eu/cmk-disks";

namespace {

constexpr char const* world_text = R"(version: 1
rsa_pool: {{ size: 4, bits: [2048] }}
azure:
  tenants:
    - id: 11111111-2222-4333-8444-555555555555
      clients: [{{ id: 66666666-7777-4888-8999-000000000001, secret: demo-azure-secret }}]
  vaults:
    - name: payments-eu
      tenant: 11111111-2222-4333-8444-555555555555
      envelope_provider: azure-prod
      keys:
        - {{ name: cmk-disks, created: 14 months ago, versions: 2, every: 7 months }}
        - {{ name: cmk-fresh, created: 8 days ago, versions: 2, every: 1 day }}
  subscriptions:
    - id: 99999999-aaaa-4bbb-8ccc-000000000001
      tenant: 11111111-2222-4333-8444-555555555555
      resource_groups: [{{ name: apps }}]
      disk_encryption_sets:
{}
{}
)";

constexpr char const* settings_text = R"(version: 1
policies: policies.d
inventory: {{ every: 1 hour }}
providers:
  - name: azure-prod
    kind: azure-key-vault
    credentials: {{ tenant: 11111111-2222-4333-8444-555555555555, client_id: 66666666-7777-4888-8999-000000000001,
                   client_secret: {{ credential: azure-prod }} }}
    vaults: [{}]
    resources: [{{ subscription: 99999999-aaaa-4bbb-8ccc-000000000001, resource_groups: [apps] }}]
)";

constexpr char const* policies_text = R"(version: 1
policies:
  - { name: all, match: { key: "*" }, every: 6 months, spread: 0 seconds }
)";

}  // namespace

std::string indented(std::string const& lines, std::size_t by) {
  std::string text;
  for (std::size_t at = 0; at < lines.size();) {
    auto const end = std::min(lines.find('\n', at), lines.size());
    text += std::string(by, ' ') + lines.substr(at, end - at) + "\n";
    at = end + 1;
  }
  return text;
}

std::string arm_settings(std::string const& vault) { return fmt::format(settings_text, vault); }

LivingDaemon::Files disks_world(std::string const& sets, std::string const& more) {
  return {.world = {},
          .world_text = fmt::format(world_text, indented(sets, 8), more),
          .settings = arm_settings("payments-eu"),
          .policies = policies_text};
}

std::string resource_id(std::string const& type, std::string const& name) {
  return fmt::format(
      "/subscriptions/99999999-aaaa-4bbb-8ccc-000000000001/resourcegroups/apps/providers/microsoft.compute/"
      "{}/{}",
      type, name);
}

std::string set_id(std::string const& name) { return resource_id("diskencryptionsets", name); }

sim::DesTruth set_truth(LivingDaemon& life, std::string const& name) {
  auto const truth = life.cloud().resources_as_they_are(life.clock().wall_now());
  auto const found = std::ranges::find(truth.disk_encryption_sets, set_id(name), &sim::DesTruth::id);
  REQUIRE(found != truth.disk_encryption_sets.end());
  return *found;
}

std::string current_version(LivingDaemon& life, std::string const& key) {
  return keys_at_clouds(life).at(key).current;
}

bool on_current_version(LivingDaemon& life, std::string const& name) {
  sim::DesTruth const set = set_truth(life, name);
  return set.complete && set.previous_keys.empty() &&
         set.active_key.ends_with("/" + current_version(life, disks_key));
}

void people(LivingDaemon& life, std::string const& path, std::string const& body) {
  sim::Request request;
  request.method = "POST";
  request.host = sim::control_host;
  request.authority = sim::control_host;
  request.target = path;
  request.body = body;
  auto const delivery = life.cloud().handle(request, life.clock().wall_now());
  INFO(delivery.answer.body);
  REQUIRE(delivery.answer.status / 100 == 2);
}

Registration on_record(LivingDaemon& life, std::string const& name) {
  auto const registrations = life.store().registrations_under(set_id(name)).value();
  REQUIRE(registrations.size() == 1);
  return registrations.front();
}

}  // namespace rekeyd::test
