#include "tests/rehearsal/modelled_clouds.hpp"

#include "tests/rehearsal/model_parts.hpp"

#include <utility>

namespace rekeyd::rehearsal {

namespace {

/// Neighbouring versions of a key must differ; more pairs would only take longer to make.
constexpr std::size_t rsa_pairs = 2;

}  // namespace

ModelledClouds model_clouds(KnownState const& state, DekCounts const& deks, config::Settings settings,
                            std::uint64_t seed, Instant now) {
  ModelledClouds model;
  model.cloud = std::make_unique<sim::Cloud>(seed, rsa_pairs);
  model.settings = std::move(settings);
  ModelParts parts{state, deks, model, now};
  model_azure(parts);
  model_ibm(parts);
  for (sim::SeededDek dek : model.cloud->deks()) {
    dek.envelope.vault = parts.vaults.at({dek.envelope.provider, dek.envelope.vault}).str();
    model.deks.push_back(std::move(dek));
  }
  return model;
}

}  // namespace rekeyd::rehearsal
