#pragma once
#include "tests/simulator/azure/arm/estate_section.hpp"
#include "tests/simulator/section.hpp"

/// For the .cpp files that read `subscriptions:`.
namespace rekeyd::sim::azure::arm {

/// Reads what one subscription holds into the estate. Order: sets, then machines and disks, which name sets.
class SubscriptionReader {
 public:
  SubscriptionReader(Section& section, Surroundings const& around, Estate& estate);
  void read_groups();
  void read_clients();
  void read_locks();
  void read_sets();
  void read_machines();
  void read_disks();
  void read_accounts();
  void read_servers();

 private:
  ResourceName name_of(Section& entry, char const* type, std::string const& name);
  std::string location_of(Section& entry, ResourceName const& name);
  /// The id of the set that the field names: "NAME" of the same group, "GROUP/NAME",
  /// "SUBSCRIPTION/GROUP/NAME".
  std::optional<ResourceName> set_named(Section& entry, ResourceName const& user);
  std::optional<KeyUrl> key_of(Section& entry, char const* field, bool& key_vault);
  DiskEncryptionSet set_of(Section& entry, ResourceName name);
  VirtualMachine machine_plan(Section& entry, ResourceName const& name);
  void read_ade(Section& entry, VirtualMachine& machine);
  void read_troubles(Section& entry, VirtualMachine& machine);
  void check_machine(Section& entry, VirtualMachine const& machine);
  void add_machine(VirtualMachine machine, long data_disks);
  void add_disk(VirtualMachine const& machine, std::string const& name, bool os);
  void read_loose(char const* field, char const* type, std::map<std::string, Disk>& into);

  Section& section_;
  Surroundings const& around_;
  Estate& estate_;
  Subscription subscription_;
  std::string location_;
};

}  // namespace rekeyd::sim::azure::arm
