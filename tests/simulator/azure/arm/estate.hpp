#pragma once
#include "policy/instant.hpp"
#include "tests/simulator/azure/key_directory.hpp"
#include "tests/simulator/service.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

/// What a tenant's subscriptions hold. Values: a copy is the same world, to be looked at as of another
/// moment.
namespace rekeyd::sim::azure::arm {

using Tags = std::map<std::string, std::string>;

/// Which resource, and how it is written. Maps of resources have key() as key.
struct ResourceName {
  std::string subscription;  ///< Lower case.
  std::string group;         ///< As the world writes it.
  std::string type;          ///< "virtualMachines"
  std::string name;
  std::string provider{"Microsoft.Compute"};

  std::string id() const;
  /// id() in lower case.
  std::string key() const;
  /// As Compute's lists write it: the group in capitals.
  std::string shouted_id() const;
};

/// A failure in the words of the service.
struct Fault {
  std::string code;
  std::string message;
};

enum class Power { running, starting, stopping, stopped, deallocating, deallocated };
/// As after "PowerState/".
char const* to_text(Power power);
std::optional<Power> power_from(std::string_view text);

enum class Security { standard, trusted_launch, confidential };

/// Azure Disk Encryption as it was set up in a machine: the key-encryption key by its versioned URL.
struct DiskEncryption {
  KeyUrl key;
  std::string vault_id;     ///< The vault's ARM id.
  bool by_extension{true};  ///< The machine has the extension that did it; older ways left none.
};

/// What people prepared to go wrong with a machine.
struct Troubles {
  bool stuck_in_starting{};         ///< The next start never ends.
  bool stuck_in_deallocating{};     ///< The next deallocation never ends.
  std::optional<Fault> start;       ///< Starts fail so…
  int starts{};                     ///< …so many times.
  std::optional<Fault> deallocate;  ///< Deallocations fail so…
  int deallocations{};
};

struct VirtualMachine {
  ResourceName name;
  std::string location;
  std::string vm_id;
  std::string size;
  Tags tags;
  bool windows{};
  Power power{Power::running};
  Security security{Security::standard};
  std::string security_encryption;  ///< Confidential: "DiskWithVMGuestState", …
  std::string set;                  ///< Its disk encryption set, by key; empty: none.
  std::string set_id;               ///< As the model of the machine writes it.
  KeyUrl key;                       ///< The version that its disks are wrapped with, if `set` is given.
  bool ephemeral_os_disk{};
  bool hibernated{};
  std::optional<DiskEncryption> ade;
  std::vector<std::string> data_disks;  ///< Names.
  std::string scale_set;                ///< An instance of that uniform scale set: in no list of machines.
  std::optional<Fault> failure;         ///< Of its last operation.
  Instant created;
  bool deleted{};
  Troubles troubles;
  std::string operation;  ///< Under way; empty: none.
  std::vector<VmTruth::Stop> stops;

  bool confidential() const { return security == Security::confidential; }
};

/// A managed disk or a snapshot.
struct Disk {
  ResourceName name;
  std::string location;
  std::string machine;  ///< By key; empty: unattached, or a snapshot.
  bool os{};
  bool windows{};
  std::string set;  ///< By key; empty: platform-managed key.
  std::string set_id;
  bool confidential{};  ///< The set is that of a confidential VM's disk.
  std::optional<DiskEncryption> ade;
  long size_gb{30};
  Instant created;
  std::string unique_id;
};

/// How a partial change of a confidential VM's key looks; both are unconfirmed.
enum class PartialShape {
  previous_keys,  ///< The set names the new key, and the old one in previousKeys.
  old_key,        ///< The set names the old key, as the confidential VM page says in words.
};

struct DiskEncryptionSet {
  ResourceName name;
  std::string location;
  Tags tags;
  std::string identity_type{"SystemAssigned"};
  std::vector<std::string> user_identities;  ///< ARM ids.
  std::string principal_id;
  std::string tenant;
  std::string encryption_type{"EncryptionAtRestWithCustomerKey"};
  KeyUrl active;
  std::string source_vault;  ///< ARM id; empty: omitted.
  std::vector<std::pair<KeyUrl, std::string>> previous;
  std::string provisioning{"Succeeded"};
  bool follows{};
  std::optional<Instant> last_rotation;
  std::optional<Fault> auto_rotation_error;
  std::string federated_client;
  bool key_access{true};  ///< Its identity may use the vault.
  Instant next_check;     ///< When it looks for a new version next.
  int partial_changes{};  ///< So many changes stay partial, in that shape.
  PartialShape partial_shape{PartialShape::previous_keys};
  bool stuck{};                       ///< The next change never ends.
  std::optional<Fault> change_fault;  ///< Changes fail so…
  int failing_changes{};              ///< …so many times.
  std::string operation;              ///< Under way; empty: none.

  bool confidential() const { return encryption_type == "ConfidentialVmEncryptedWithCustomerKey"; }
};

/// A storage account, as far as its encryption goes.
struct StorageAccount {
  ResourceName name;
  std::string location;
  Tags tags;
  std::string identity_type{"SystemAssigned"};
  std::string principal_id;
  std::string tenant;
  bool customer_key{};             ///< Otherwise Microsoft's own key.
  bool pinned{};                   ///< Its settings name a version; otherwise it follows the newest one.
  KeyUrl active;                   ///< The version in use.
  std::optional<Instant> rotated;  ///< When it came to that version.
  Instant next_check;              ///< When it looks for a new version next, if it follows.
  bool key_access{true};
  Instant created;
};

/// A logical SQL server, as far as transparent data encryption goes.
struct SqlServer {
  struct Key {
    std::string name;  ///< "VAULT_KEY_VERSION"
    KeyUrl key;
    Instant created;
  };
  ResourceName name;
  std::string location;
  std::string identity_type{"SystemAssigned"};
  std::string principal_id;
  std::string tenant;
  std::map<std::string, Key> keys;  ///< By name in lower case. Old ones stay: backups need them.
  std::string protector;            ///< The key that protects, by name in lower case; empty: Microsoft's own.
  bool auto_rotation{};
  Instant next_check;
  bool key_access{true};
  std::string operation;  ///< Under way; empty: none.
};

struct Lock {
  std::string scope;  ///< Id as written.
  std::string name;
  bool read_only{};  ///< Otherwise CanNotDelete.
  std::string notes;
};

/// What a client may do in a subscription; patterns of actions as in role definitions.
struct Permission {
  std::vector<std::string> actions{"*"};
  std::vector<std::string> not_actions;
};

struct Subscription {
  std::string id;
  std::string tenant;
  std::set<std::string> allowed_clients;  ///< Empty: every client of the tenant.
  std::map<std::string, Permission> permissions;
  std::map<std::string, std::string> groups;  ///< Name as written by name in lower case.
  std::map<std::string, std::string> group_locations;
};

enum class Act { start, power_off, deallocate, change_set, put_sql_key, set_protector };

/// A long-running operation: accepted, and ending at its time whoever asks.
struct Operation {
  std::string id;
  std::string subscription;
  std::string location;
  Act act{};
  std::string resource;  ///< By key.
  std::string by;        ///< The client that asked.
  std::string nonce;     ///< "p" of its URLs.
  std::string signature;
  Instant started;
  std::optional<Instant> due;  ///< Nothing: it never ends.
  std::optional<Instant> ended;
  std::optional<Fault> failure;
  bool canceled{};

  // Power operations: what to go back to.
  Power before{Power::running};
  bool stops{};       ///< It is what stopped the machine.
  bool hibernates{};  ///< A deallocation that saves the memory.

  // change_set: what to go back to.
  KeyUrl old_key;
  std::string old_vault;
  bool key_changes{};

  // put_sql_key and set_protector.
  SqlServer::Key sql_key;  ///< set_protector: without a name for Microsoft's own.
  bool auto_rotation{};
};

struct Estate {
  std::map<std::string, Subscription> subscriptions;
  std::map<std::string, VirtualMachine> machines;
  std::map<std::string, Disk> disks;
  std::map<std::string, Disk> snapshots;
  std::map<std::string, DiskEncryptionSet> sets;
  std::map<std::string, StorageAccount> accounts;
  std::map<std::string, SqlServer> servers;
  std::map<std::string, Operation> operations;
  std::vector<Lock> locks;
  Instant next_key_check;  ///< When machines next notice that their key is gone.
};

}  // namespace rekeyd::sim::azure::arm
