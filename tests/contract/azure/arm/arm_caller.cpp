#include "tests/contract/azure/arm/arm_caller.hpp"

#include "tests/simulator/message.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

namespace rekeyd::sim::test {

namespace json = boost::json;

namespace {

std::string const group = std::string("/subscriptions/") + subscription + "/resourceGroups/Prod";
constexpr char const* arm_host = "management.azure.com";

std::string yaml(ArmWorld const& world) {
  return fmt::format(
      "{}  subscriptions:\n    - {{ id: {}, tenant: {}, {}resource_groups: [{{ name: Prod }}], "
      "disk_encryption_sets: [{}], virtual_machines: [{}] }}\n",
      world.extra, subscription, tenant, world.more, world.sets, world.machines);
}

std::string version_for(std::string const& path) {
  std::string const folded = lower(path);
  if (folded.find("/locks") != std::string::npos) return "2016-09-01";
  if (folded.find("/permissions") != std::string::npos) return "2022-04-01";
  if (folded.find("/providers/") == std::string::npos) return "2021-04-01";
  if (folded.find("/microsoft.storage/") != std::string::npos) return "2023-01-01";
  if (folded.find("/microsoft.sql/") != std::string::npos) return "2021-11-01";
  return folded.find("virtualmachines") != std::string::npos ? machine_version : disk_version;
}

}  // namespace

std::string machine_key(std::string const& machine) { return lower(group + ArmCaller::machines + machine); }
std::string set_key(std::string const& set) { return lower(group + ArmCaller::sets + set); }

ArmCaller::ArmCaller(ArmWorld const& world) : azure(vault_with(world.keys), yaml(world)) {}

Reply ArmCaller::call(std::string const& method, std::string const& path, json::value const& body) {
  std::string target = path.starts_with("/subscriptions") ? path : group + path;
  if (target.find("api-version=") == std::string::npos) {
    target += target.find('?') == std::string::npos ? "?" : "&";
    target += "api-version=" + version_for(target);
  }
  std::string const bearer = token.empty() ? azure.token("https://management.azure.com") : token;
  return AzureCaller::reply(azure.raw(method, arm_host, target,
                                      body.is_null() ? std::string() : json::serialize(body),
                                      {{"Authorization", "Bearer " + bearer}}));
}

Reply ArmCaller::follow(std::string const& url) {
  std::string const base = std::string("https://") + arm_host;
  REQUIRE(url.starts_with(base));
  return get(url.substr(base.size()));
}

Reply ArmCaller::control(std::string const& path, json::value const& body, std::string const& method) {
  return AzureCaller::reply(azure.raw(method, "sim.localhost", path, json::serialize(body)));
}

Reply ArmCaller::people(std::string const& machine, std::string const& act, json::object more) {
  more["id"] = machine_key(machine);
  more["act"] = act;
  return control("/virtual-machines", more);
}

Reply ArmCaller::people_at_set(std::string const& set, std::string const& act, json::object more) {
  more["id"] = set_key(set);
  more["act"] = act;
  return control("/disk-encryption-sets", more);
}

Reply ArmCaller::change_key(std::string const& set, std::string const& key_url) {
  return patch(sets + set, {{"properties", {{"activeKey", {{"keyUrl", key_url}}}}}});
}

std::string ArmCaller::power(std::string const& machine) {
  auto const view = get(machines + machine + "/instanceView");
  REQUIRE(view.status == 200);
  for (auto const& status : view.json.at("statuses").as_array()) {
    std::string const code(status.at("code").as_string());
    if (code.starts_with("PowerState/")) return code.substr(code.find('/') + 1);
  }
  return {};
}

std::string ArmCaller::provisioning(std::string const& machine) {
  auto const view = get(machines + machine + "/instanceView");
  REQUIRE(view.status == 200);
  return std::string(view.json.at("statuses").at(0).at("code").as_string());
}

VmTruth ArmCaller::machine_truth(std::string const& machine) const {
  for (auto& truth : azure.cloud->resources_as_they_are(azure.now).virtual_machines) {
    if (truth.id == machine_key(machine)) return truth;
  }
  FAIL("no machine " << machine);
  return {};
}

DesTruth ArmCaller::set_truth(std::string const& set) const {
  for (auto& truth : azure.cloud->resources_as_they_are(azure.now).disk_encryption_sets) {
    if (truth.id == set_key(set)) return truth;
  }
  FAIL("no set " << set);
  return {};
}

std::string ArmCaller::current(std::string const& key) { return azure.get("/keys/" + key).at("key/kid"); }

std::string ArmCaller::rotate(std::string const& key) {
  auto const rotated = azure.post("/keys/" + key + "/rotate");
  REQUIRE(rotated.status == 200);
  return rotated.at("key/kid");
}

}  // namespace rekeyd::sim::test
