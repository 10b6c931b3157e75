#include "tests/simulator/azure/arm/estate_section.hpp"

#include "tests/simulator/azure/arm/resource_manager.hpp"
#include "tests/simulator/azure/arm/subscription_reader.hpp"

namespace rekeyd::sim::azure::arm {

Estate read_estate(Section& azure, Surroundings const& around) {
  Estate estate;
  auto sections = azure.sections("subscriptions");
  std::vector<SubscriptionReader> readers;
  readers.reserve(sections.size());
  for (auto& section : sections) {
    auto& reader = readers.emplace_back(section, around, estate);
    reader.read_groups();
    reader.read_clients();
    reader.read_locks();
    reader.read_sets();
  }
  for (std::size_t i = 0; i < readers.size(); ++i) {
    readers[i].read_machines();
    readers[i].read_disks();
    readers[i].read_accounts();
    readers[i].read_servers();
    sections[i].finish();
  }
  return estate;
}

Settings read_resource_manager(Section& azure, bool published_limits) {
  Settings settings;
  settings.limits = published_limits;
  auto section = azure.section("resource_manager");
  if (!section) return settings;
  constexpr long day = 86'400;
  auto const seconds = [&](char const* field, std::chrono::seconds fallback) {
    return std::chrono::seconds(section->number(field, 0, day, fallback.count()));
  };
  settings.start = seconds("start_s", settings.start);
  settings.power_off = seconds("power_off_s", settings.power_off);
  settings.deallocate = seconds("deallocate_s", settings.deallocate);
  settings.key_change = seconds("key_change_s", settings.key_change);
  settings.key_change_per_machine = seconds("key_change_per_machine_s", settings.key_change_per_machine);
  if (section->has("retry_after_s"))
    settings.retry_after = static_cast<unsigned>(section->number("retry_after_s", 0, 3600, 10));
  settings.signed_urls = section->flag("signed_urls", true);
  settings.varying_case = section->flag("varying_case", true);
  settings.page_size = static_cast<std::size_t>(section->number("page_size", 1, 1000, 50));
  section->finish();
  return settings;
}

std::unique_ptr<Service> make_resource_manager(Section& azure, bool published_limits,
                                               std::set<std::string> const& tenants,
                                               std::unique_ptr<VaultDirectory> keys, TokenMint const& mint,
                                               SeedContext& context) {
  VaultDirectory& vaults = *keys;
  auto estate = read_estate(azure, {context, tenants, vaults});
  auto const settings = read_resource_manager(azure, published_limits);
  auto manager = std::make_unique<ResourceManager>(std::move(estate), settings, mint, std::move(keys),
                                                   context.random, context.now);
  vaults.before_changes([listener = manager.get()](Instant now) { listener->advance_to(now); });
  return manager;
}

}  // namespace rekeyd::sim::azure::arm
