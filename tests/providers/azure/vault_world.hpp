#pragma once
#include "providers/azure/key_vault.hpp"
#include "tests/providers/azure/bundle_text.hpp"
#include "tests/providers/cloud_script.hpp"

#include <memory>
#include <string>
#include <vector>

namespace rekeyd::test {

inline constexpr char vault_challenge[] =
    "Bearer authorization=\"https://login.microsoftonline.com/0f0e0d0c-1111-4222-8333-444455556666\", "
    "resource=\"https://vault.azure.net\"";
inline constexpr char hsm_challenge[] =
    "Bearer authorization=\"https://login.microsoftonline.com/0f0e0d0c-1111-4222-8333-444455556666\", "
    "resource=\"https://managedhsm.azure.net\"";

/// Version ids of the tests: 32 times the same digit.
std::string version_id(char digit);

/// One vault "pay" (or one HSM pool "pay") and its scripted service. The key is "cmk"; its version '1' was
/// made on 2026-03-28 (1774656000), the clock stands at 2026-05-28 (1780000000).
struct VaultWorld : CloudScript {
  explicit VaultWorld(providers::AzureKind kind = providers::AzureKind::key_vault);

  /// Anew with these options; caches are empty then.
  void restart();

  BundleText version(char digit, int created_after = 0) const;
  /// Scripts GET of the key, of its version and of its version list, oldest first; the last one is current.
  void show_versions(std::vector<BundleText> const& versions);
  KeyRef key() const;
  providers::RotateOrder order(std::string const& operation = "op-1");

  template <class T>
  T run(boost::asio::awaitable<T> operation) {
    return loop.run(std::move(operation));
  }

  providers::KeyVaultOptions options;
  std::unique_ptr<providers::KmsProvider> provider;
};

std::string page_of(std::vector<BundleText> const& items, std::string const& next_link = {});

}  // namespace rekeyd::test
