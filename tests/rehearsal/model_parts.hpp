#pragma once
#include "tests/rehearsal/modelled_clouds.hpp"
#include "tests/simulator/message.hpp"

/// How the model of one provider entry is made, Azure's and IBM's.
namespace rekeyd::rehearsal {

/// The files of the model's own secrets, as the daemon's settings name them.
inline constexpr char const* azure_secret = "azure-secret";
inline constexpr char const* ibm_secret = "ibm-api-key";

struct ModelParts {
  KnownState const& state;
  DekCounts const& deks;
  ModelledClouds& model;
  Instant now;
  /// The model's name for a vault → the daemon's; envelopes are named by it.
  std::map<std::pair<std::string, std::string>, VaultName> vaults{};
};

/// Makes the services of all Azure (IBM) entries and leads their settings there.
void model_azure(ModelParts& parts);
void model_ibm(ModelParts& parts);

/// The keys of one vault or instance that its provider still lists.
template <class Take>
void for_keys_of(KnownState const& state, ProviderName const& provider, VaultName const& vault, Take take) {
  for (KnownKey const& key : state.keys) {
    KeyRef const& ref = key.stored.key.ref;
    bool const here = ref.provider == provider && sim::lower(ref.vault.str()) == sim::lower(vault.str());
    if (here && !key.stored.gone) take(key);
  }
}

}  // namespace rekeyd::rehearsal
