#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

/// The small organisation of these tests: one vault or instance at each of five providers. What its clouds
/// hold (a world file of rekeyd-sim) and what rekeyd is told of them (rekeyd.yaml) are written side by side,
/// so that they fit.
namespace rekeyd::test {

/// Keys as a world file wants them, each "{ name: cmk-1, created: 14 months ago, deks: 3 }"; IBM keys need an
/// `id: `, see ibm_key().
struct WorldKeys {
  std::vector<std::string> payments;   ///< Key Vault: azure/payments.
  std::vector<std::string> treasury;   ///< Managed HSM: hsm/treasury.
  std::vector<std::string> orders;     ///< Key Protect: kp/orders.
  std::vector<std::string> dedicated;  ///< Key Protect Dedicated: dedicated/ledger.
  std::vector<std::string> legacy;     ///< HPCS: hpcs/legacy.
  std::string azure_more;              ///< Whole lines of the world's `azure:`, indented by two.
};

/// An overdue key with DEKs and one that is not due, at every provider.
WorldKeys one_due_key_everywhere(unsigned deks = 3);
/// The fields of an IBM key: name and a UUID that ends in `number`.
std::string ibm_key(std::string const& name, unsigned number);
std::string ibm_key_id(unsigned number);

/// The world file. `more` is put at its end: "latency_ms: 5\n".
std::string world_text(WorldKeys const& keys, std::string const& more = "");

struct SettingsText {
  std::string ca_file;
  std::uint16_t port{};
  std::map<std::string, std::uint16_t> other_ports;  ///< Hosts that are not at `port`.
  std::string dek_folder;
  std::string inventory_every{"1 hour"};
  std::string rotations{"{ per_hour: 100, storm_hold_percent: 100 }"};  ///< Fleets here start overdue.
  std::string provider_limits{"{ tries: 2 }"};
  std::string azure_proof{"client_secret: { credential: azure }"};  ///< Of Azure's credentials.
  std::string rotate_by{"automatic"};
  bool set_neutral_rotation_policy{false};
  std::string resources;  ///< What the entry "azure" looks after: "[{ subscription: .. }]"; empty: nothing.
  std::string more;       ///< Whole lines at the end: "auditor_group: nogroup\n".
};

std::string settings_text(SettingsText const& settings);

/// One policy for all keys.
std::string rotate_everything(std::string const& every = "12 months");

/// Every host of the organisation, Entra ID and IAM included.
std::vector<std::string> const& cloud_hosts();

inline constexpr char tenant[] = "11111111-2222-4333-8444-555555555555";
inline constexpr char client_id[] = "66666666-7777-4888-8999-000000000001";
inline constexpr char client_secret[] = "a-secret-of-azure";
inline constexpr char api_key[] = "an-api-key-of-ibm";

}  // namespace rekeyd::test
