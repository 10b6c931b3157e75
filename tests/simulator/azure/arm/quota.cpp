#include "tests/simulator/azure/arm/quota.hpp"

#include "tests/simulator/azure/arm/refusals.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace rekeyd::sim::azure::arm {

namespace {

constexpr double minute = 60;

char const* arm_bucket(std::string const& method) {
  if (method == "GET" || method == "HEAD") return "reads";
  return method == "DELETE" ? "deletes" : "writes";
}

}  // namespace

std::vector<Quota::Rule> Quota::rules(Demand const& demand) {
  std::string const owner = demand.subscription + "|" + demand.client;
  std::string const kind = arm_bucket(demand.method);
  bool const reads = kind == "reads";
  std::vector<Rule> all{{kind, kind + "|" + owner, reads ? 250.0 : 200.0, reads ? 25.0 : 10.0, false}};
  auto const add = [&](char const* name, std::string const& of, double burst, double per_second) {
    all.push_back({name, std::string(name) + "|" + of, burst, per_second, true});
  };
  std::string const& subscription = demand.subscription;
  switch (demand.cost) {
    case Cost::set_read:
      add("LowCostGet3Min", subscription, 15'000, 15'000 / (3 * minute));
      break;
    case Cost::set_write:
      add("HighCostDiskEncryptionSet3Min", subscription, 100, 100 / (3 * minute));
      add("HighCostDiskEncryptionSet30Min", subscription, 300, 300 / (30 * minute));
      break;
    case Cost::set_operation:
      add("GetOperation3Min", subscription, 50'000, 50'000 / (3 * minute));
      break;
    // Names of the policies below are made up; their figures are documented.
    case Cost::machine_read:
      add("GetVMResource", demand.resource, 36, 12 / minute);
      add("GetVMSubscription", subscription, 24'000, 8'000 / minute);
      break;
    case Cost::machine_list:
      add("ListVMSubscription", subscription, 900, 300 / minute);
      break;
    case Cost::machine_act:
      add("UpdateVMResource", demand.resource, 12, 4 / minute);
      add("UpdateVMSubscription", subscription, 1'500, 500 / minute);
      break;
    case Cost::machine_operation:
      add("GetOperationResource", demand.resource, 45, 15 / minute);
      add("GetOperationSubscription", subscription, 15'000, 5'000 / minute);
      break;
    case Cost::other:
      break;
  }
  return all;
}

double Quota::left(Rule const& rule, Instant now) {
  if (!kept_) return rule.burst - 1;
  auto& bucket = buckets_.try_emplace(rule.key, Bucket{rule.burst, now}).first->second;
  // A lagging replica's clock is behind: nothing flows back.
  auto const passed = std::max<std::int64_t>(0, (now - bucket.at).count());
  bucket.level = std::min(rule.burst, bucket.level + static_cast<double>(passed) * rule.per_second);
  bucket.at = std::max(bucket.at, now);
  if (bucket.level < 1) return bucket.level - 1;
  return bucket.level -= 1;
}

std::optional<Answer> Quota::take(Demand const& demand, Instant now, Headers& headers) {
  std::optional<Answer> refusal;
  std::string compute;
  for (Rule const& rule : rules(demand)) {
    double const rest = left(rule, now);
    auto const shown = static_cast<long>(std::max(0.0, std::floor(rest)));
    if (rule.compute) {
      compute += fmt::format("{}Microsoft.Compute/{};{}", compute.empty() ? "" : ",", rule.name, shown);
    } else {
      headers.emplace_back("x-ms-ratelimit-remaining-subscription-" + rule.name, std::to_string(shown));
      constexpr long global_share = 15;
      headers.emplace_back("x-ms-ratelimit-remaining-subscription-global-" + rule.name,
                           std::to_string(global_share * static_cast<long>(rule.burst) - 1));
    }
    if (rest >= 0 || refusal) continue;
    auto const wait = static_cast<unsigned>(std::ceil(-rest / rule.per_second));
    refusal =
        rule.compute ? too_many_for_compute(rule.name, wait) : too_many_for_arm(demand.subscription, wait);
  }
  if (!compute.empty()) {
    headers.emplace_back("x-ms-ratelimit-remaining-resource", compute);
    headers.emplace_back("x-ms-request-charge", "1");
  }
  return refusal;
}

}  // namespace rekeyd::sim::azure::arm
