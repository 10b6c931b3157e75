#pragma once
#include "tests/simulator/ibm/instance.hpp"
#include "tests/simulator/ibm/refusal.hpp"

#include <cstddef>

/// The rules of what people may call things.
namespace rekeyd::sim::ibm {

inline constexpr std::size_t aliases_per_key = 5;
inline constexpr std::size_t key_rings_per_instance = 50;  ///< Besides "default".

bool is_uuid(std::string_view text);
/// Imported or generated: 128, 192 or 256 bits.
bool is_root_key_size(std::size_t bytes);
/// What is wrong with a new alias, if anything: its length, its looks, or that it is taken.
std::optional<Refusal> alias_objection(Instance const& instance, std::string const& alias);

}  // namespace rekeyd::sim::ibm
