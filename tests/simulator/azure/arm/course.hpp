#pragma once
#include "tests/simulator/azure/arm/estate.hpp"

/// The course of time: what was accepted goes on though nobody asks.
namespace rekeyd::sim::azure::arm {

/// Does, in their order, all things that were due until `now`.
void advance(Estate& estate, KeyDirectory const& keys, Instant now);

/// The keys whose new versions something here follows by itself.
std::vector<KeyUrl> followed_keys(Estate const& estate);

/// Whether advance() would change anything.
bool is_due(Estate const& estate, Instant now);

/// All that has happened so far, or is under way, began so much earlier.
void grow_older(Estate& estate, std::chrono::seconds by);

}  // namespace rekeyd::sim::azure::arm
