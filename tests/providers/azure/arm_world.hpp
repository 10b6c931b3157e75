#pragma once
#include "providers/azure/resource_manager.hpp"
#include "tests/providers/cloud_script.hpp"

#include <memory>
#include <string>

namespace rekeyd::test {

/// One subscription and its scripted Azure Resource Manager, without storage accounts, with a disk encryption
/// set "des1" in group "apps" that uses the key azure-prod/pay/cmk.
struct ArmWorld : CloudScript {
  explicit ArmWorld(providers::azure::ArmApiVersions versions = {});

  template <class T>
  T run(boost::asio::awaitable<T> operation) {
    return loop.run(std::move(operation));
  }
  /// Scripts the lists of a survey: these sets, no machines, nothing associated with des1.
  void list(std::string const& sets);

  std::unique_ptr<providers::ResourceController> manager;
};

extern std::string const subscription, sets_path, machines_path, disks_path, accounts_path, servers_path,
    locks_path, set_path;
/// Permissions of the group that des1 lies in.
extern std::string const permissions_path;
/// The id of a machine in group "apps", in lower case.
std::string machine_path(std::string const& name);
KeyRef arm_key();

/// des1, on that version of its key; `more` is put after its properties.
std::string set_text(std::string const& version, std::string const& more = "");

}  // namespace rekeyd::test
