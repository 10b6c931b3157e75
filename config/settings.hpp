#pragma once
#include "config/azure_cloud.hpp"
#include "config/azure_credentials.hpp"
#include "config/ibm_credentials.hpp"
#include "config/secret_reference.hpp"
#include "policy/brakes.hpp"
#include "policy/names.hpp"

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// rekeyd.yaml as values. Plain data: what it means is each folder's own business.
namespace rekeyd::config {

enum class ProviderKind {
  azure_key_vault,
  azure_managed_hsm,
  ibm_key_protect,
  ibm_key_protect_dedicated,
  ibm_hpcs
};

/// "azure-key-vault", "azure-managed-hsm", "ibm-key-protect", "ibm-key-protect-dedicated", "ibm-hpcs".
char const* to_text(ProviderKind kind);

struct LimitSettings {
  unsigned in_flight{16};
  double per_second{
      0};  ///< Of the entry as a whole. 0: Azure's published limits alone; IBM: a figure of ours.
  /// How much of the limits that Azure publishes is ours. More than 100 where it has granted more.
  unsigned published_percent{50};
  unsigned tries{5};
  std::chrono::milliseconds call_timeout{30'000};
};

/// One vault or HSM pool.
struct AzureVault {
  VaultName name;
  std::string url;  ///< "https://payments-eu.vault.azure.net"
};

/// Where at Azure Resource Manager to look for what uses the keys.
struct AzureResourceScope {
  std::string subscription;                  ///< GUID, lower case.
  std::vector<std::string> resource_groups;  ///< Lower case. Empty: all of the subscription.
};

enum class AzureRotateBy {
  automatic,  ///< create with an operation id where the new version can be described fully, else rotate.
  create,
  rotate,
};

struct AzureSettings {
  AzureCloud cloud;
  std::vector<AzureVault> vaults;
  EntraCredentials credentials;
  std::string api_version{"7.5"};
  AzureRotateBy rotate_by{AzureRotateBy::automatic};
  /// Managed HSM refuses to rotate a key that has no rotation policy: put a neutral one there first?
  bool set_neutral_rotation_policy{false};
  std::vector<AzureResourceScope> resources;  ///< Empty: nobody looks for resources by this entry.
  /// Type of resource in lower case → API version; the others' are rekeyd's own choice.
  std::map<std::string, std::string> resource_api_versions;
};

struct IbmInstance {
  VaultName name;
  std::string id;        ///< The service instance's GUID: the Bluemix-Instance header.
  std::string url;       ///< "https://us-south.kms.cloud.ibm.com"
  std::string key_ring;  ///< Only this ring; empty: all that may be seen.
};

struct IbmSettings {
  std::vector<IbmInstance> instances;
  IbmCredentials credentials;
  bool import_with_token{false};  ///< Wrap imported material for the service's HSM by an import token.
};

struct ProviderSettings {
  ProviderName name;
  ProviderKind kind{};
  LimitSettings limits;
  RotationLimits rotations;  ///< Of this provider instance alone; those over all keys count besides.
  std::variant<AzureSettings, IbmSettings> cloud;
};

struct DekStoreSettings {
  DekStoreName name;
  std::filesystem::path path;  ///< Directory of envelope files; walked with its sub-directories.
};

/// Material from OpenSSL's random generator.
struct RandomMaterial {
  std::optional<unsigned> bits;  ///< Of symmetric keys whose provider does not tell their size.
};

/// Material that a person puts into FOLDER/PROVIDER/VAULT/KEY.
struct FileMaterial {
  std::filesystem::path folder;
};

/// Material in an HSM behind a PKCS#11 module: a key object labelled PROVIDER/VAULT/KEY.
struct Pkcs11Material {
  std::filesystem::path module;
  std::string token;  ///< The token's label.
  SecretReference pin;
};

/// Where new material for imported keys comes from; policies name it.
struct MaterialSourceSettings {
  MaterialSourceName name;
  std::variant<RandomMaterial, FileMaterial, Pkcs11Material> kind;
};

struct NetworkSettings {
  std::filesystem::path ca_file;                  ///< Empty: the system's authorities.
  std::map<std::string, std::string> connect_to;  ///< "host:port" → "address:port".
};

struct RotationSettings {
  unsigned per_hour{60};  ///< Rotations begun in any hour, over all keys.
  unsigned in_flight{8};  ///< Rotations at once.
  std::chrono::seconds overdue_after{std::chrono::hours(24)};
  unsigned storm_warning_percent{20};  ///< A reload that makes more of the fleet due than this is warned of.
  /// More than this becoming due at once, by an edit or by keys seen for the first time, is held.
  StormLimit storm_hold;
};

struct Settings {
  std::filesystem::path file;      ///< Where this was read from.
  std::filesystem::path policies;  ///< Directory of policy files.
  std::filesystem::path database;  ///< Default: $STATE_DIRECTORY/rekeyd.db, else /var/lib/rekeyd/rekeyd.db.
  std::filesystem::path
      control_socket;         ///< Default: $RUNTIME_DIRECTORY/control.sock, else /run/rekeyd/control.sock.
  std::string control_group;  ///< Group that may use the socket; empty: the daemon's own user only.
  std::string auditor_group;  ///< Group that may read the database; empty: nobody else.
  std::chrono::seconds inventory_every{std::chrono::hours(1)};
  NetworkSettings network;
  RotationSettings rotations;
  std::vector<ProviderSettings> providers;
  std::vector<DekStoreSettings> dek_stores;
  std::vector<MaterialSourceSettings> material_sources;
};

}  // namespace rekeyd::config
