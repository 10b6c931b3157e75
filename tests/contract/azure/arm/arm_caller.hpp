#pragma once
#include "tests/contract/azure/azure_caller.hpp"

/// A caller of Azure Resource Manager, with a vault "kv1" beside it.
namespace rekeyd::sim::test {

inline constexpr char const* subscription = "aaaaaaaa-0000-4000-8000-000000000001";
inline constexpr char const* disk_version = "2023-10-02";
inline constexpr char const* machine_version = "2024-03-01";

/// Keys of the vault "kv1": `cvm`, from which a confidential VM boots, and `disk`.
inline constexpr char const* vault_keys =
    "{ name: cvm, kty: RSA-HSM, exportable: true, release_policy: '{}', versions: 2, created: 2 months ago "
    "}, "
    "{ name: disk, versions: 2, created: 2 months ago }";

struct ArmWorld {
  std::string sets;  ///< YAML of the list's entries: "{ name: des1, key: kv1/disk }".
  std::string machines;
  std::string more;   ///< Further fields of the subscription, each ending with ", ".
  std::string extra;  ///< Lines of the azure section, indented by two.
  std::string keys{vault_keys};
};

class ArmCaller {
 public:
  explicit ArmCaller(ArmWorld const& world = {});

  /// `path` is what follows the group "Prod"; or, beginning with "/subscriptions/", all of it. Without
  /// api-version it gets that of its type.
  Reply get(std::string const& path) { return call("GET", path); }
  Reply post(std::string const& path) { return call("POST", path); }
  Reply patch(std::string const& path, boost::json::value const& body) { return call("PATCH", path, body); }
  Reply put(std::string const& path, boost::json::value const& body) { return call("PUT", path, body); }
  Reply call(std::string const& method, std::string const& path, boost::json::value const& body = nullptr);
  /// A URL of an answer.
  Reply follow(std::string const& url);

  /// What the control host says to that.
  Reply control(std::string const& path, boost::json::value const& body, std::string const& method = "POST");
  Reply people(std::string const& machine, std::string const& act, boost::json::object more = {});
  Reply people_at_set(std::string const& set, std::string const& act, boost::json::object more = {});

  /// PATCH of a set's key.
  Reply change_key(std::string const& set, std::string const& key_url);
  /// The status word of the operation that the answer began, and its document.
  Reply status(Reply const& accepted) { return follow(accepted.header("azure-asyncoperation")); }
  /// "running", of the machine's instance view; empty when it shows none.
  std::string power(std::string const& machine);
  /// The code of its ProvisioningState.
  std::string provisioning(std::string const& machine);
  std::string active_key(std::string const& set) { return get(sets + set).at("properties/activeKey/keyUrl"); }
  VmTruth machine_truth(std::string const& machine) const;
  DesTruth set_truth(std::string const& set) const;

  /// The URL of the newest version in the vault.
  std::string current(std::string const& key);
  /// Rotates it; the new version's URL.
  std::string rotate(std::string const& key);

  void wait(std::chrono::seconds time) { azure.wait(time); }

  static constexpr char const* sets = "/providers/Microsoft.Compute/diskEncryptionSets/";
  static constexpr char const* machines = "/providers/Microsoft.Compute/virtualMachines/";
  AzureCaller azure;
  std::string token;  ///< Empty: a fresh one of the ARM audience for each request.
};

/// An id in the subscription's group "Prod", in lower case.
std::string machine_key(std::string const& machine);
std::string set_key(std::string const& set);

}  // namespace rekeyd::sim::test
