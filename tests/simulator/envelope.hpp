#pragma once
#include "tests/simulator/service.hpp"

#include <boost/json/fwd.hpp>

#include <expected>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

/// The JSON form of a wrapped DEK: what rekeyd's directory store reads.
namespace rekeyd::sim {

boost::json::object to_json(Envelope const& envelope);
/// Nothing when a member is missing or of another kind.
std::optional<Envelope> envelope_from_json(boost::json::object const& object);

/// The file's place under the store's folder: "payments-eu/cmk-ledger/dek-0001.json".
std::string envelope_file(Envelope const& envelope, std::size_t number);

/// Writes one file for each, numbered by key. Says what went wrong and at which file.
std::expected<void, std::string> write_envelopes(std::filesystem::path const& folder,
                                                 std::vector<SeededDek> const& deks);

}  // namespace rekeyd::sim
