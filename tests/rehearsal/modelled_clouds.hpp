#pragma once
#include "config/settings.hpp"
#include "tests/rehearsal/known_deks.hpp"
#include "tests/rehearsal/known_state.hpp"
#include "tests/simulator/cloud.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace rekeyd::rehearsal {

/// A model of the clouds that holds what the state knows of the real ones: the same keys with the same
/// versions, dates, states, tags and policies, and key material of its own.
struct ModelledClouds {
  std::unique_ptr<sim::Cloud> cloud;
  config::Settings settings;                   ///< The daemon's own, but leading to the model.
  std::map<std::string, std::string> secrets;  ///< File name → secret that the model takes.
  std::vector<sim::SeededDek> deks;            ///< Named as the daemon's settings name them.
  std::set<KeyRef> left_out;                   ///< Keys that the model cannot hold.
  std::vector<std::string> notes;              ///< Where the model differs, a sentence each.
};

/// `settings` as the daemon has them. Vaults and instances are found under names of the model's own; limits,
/// caps and everything else that the daemon goes by stay as they are. Credentials are the model's.
ModelledClouds model_clouds(KnownState const& state, DekCounts const& deks, config::Settings settings,
                            std::uint64_t seed, Instant now);

}  // namespace rekeyd::rehearsal
