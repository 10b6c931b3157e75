#pragma once
#include "storage/store.hpp"
#include "tests/simulation/home.hpp"
#include "tests/simulation/truth.hpp"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace rekeyd::crash_points {

/// The keys that a case is about: the one that is rotated or replaced, then the others.
using TrueKeys = std::vector<std::pair<std::string, simulation::TrueKey const*>>;

/// What a rotation leaves, as lines that two runs of it share: versions are named by their place among their
/// key's ("#0" is the oldest; of another key than the first "NAME#0"), and moments and random ids are left
/// out. So are the records of tries: how often a step was tried is what differs after a crash.
std::string text_of_cloud(TrueKeys const& keys);
/// Every machine with what it does, and every disk encryption set with the version that it is on.
std::string text_of_resources(sim::ResourceTruth const& resources, TrueKeys const& keys);
/// `originals`: file of a WDEK → its text at the beginning, which a previous WDEK on record has to be part
/// of.
std::string text_of_record(storage::Store& store, TrueKeys const& keys,
                           std::map<std::string, std::string> const& originals);
/// Every file, and which version each WDEK is wrapped by.
std::string text_of_disk(simulation::SimulatedDisk const& disk, config::Settings const& settings,
                         std::map<std::string, std::string> const& originals, TrueKeys const& keys);

}  // namespace rekeyd::crash_points
