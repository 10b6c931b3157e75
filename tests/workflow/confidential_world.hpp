#pragma once
#include "tests/workflow/living_daemon.hpp"

#include <string>
#include <vector>

/// Confidential machines under the key of one vault: the change of their disk encryption set wants them at
/// rest.
namespace rekeyd::test {

extern char const* const machines_key;  ///< "azure-prod/machines-eu/cmk-cvm", due.

/// `rules` is the policy's `confidential_vms`, in YAML's flow style; `machines` are lines of a world file's
/// `virtual_machines`, `sets` of its `disk_encryption_sets` ("des" is there when it is empty).
struct ConfidentialWorld {
  std::string rules = "{ stop: true }";
  std::string machines =
      "- { name: \"cvm-{n}\", count: 4, security: confidential, disk_encryption_set: des }\n"
      "- { name: \"idle-{n}\", count: 2, security: confidential, disk_encryption_set: des, power: "
      "deallocated }\n";
  std::string sets = "- { name: des, type: confidential-vm, key: machines-eu/cmk-cvm }\n";
  std::string subscription;  ///< Further fields of it, indented by six.
  bool exportable{true};
};
LivingDaemon::Files confidential_world(ConfidentialWorld const& world = {});

std::string machine_id(std::string const& name);
sim::VmTruth machine_truth(LivingDaemon& life, std::string const& name);
/// How many machines run.
std::size_t running(LivingDaemon& life);
/// Is the set wholly on the key's current version?
bool on_current(LivingDaemon& life, std::string const& set = "des");
/// People act on a machine: the simulator's `act`, with further members if any ("\"code\":\"X\"").
void machine_act(LivingDaemon& life, std::string const& name, std::string const& act,
                 std::string const& more = "");
/// Fails the test unless the four that ran run, the two that did not do not, each can start, and no machine
/// was stopped by us for nothing.
void require_machines_as_they_were(LivingDaemon& life);

}  // namespace rekeyd::test
