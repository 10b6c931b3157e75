#pragma once
#include "policy/error.hpp"
#include "providers/ibm/instance_access.hpp"

#include <cstddef>
#include <string>
#include <string_view>

/// Lists come in pages of a size that we name; one that is shorter is the last.
namespace rekeyd::providers::ibm {

// 200 is the service's default and 5,000 its most; a key takes about a kilobyte.
inline constexpr std::size_t page_size = 1'000;
/// More than this are a loop: a million keys, versions or registrations.
inline constexpr std::size_t pages_max = 1'000;

/// GET of `path` from entry `offset` on; `more` is what else the query has, with its '&'.
InstanceCall page_call(std::string path, std::size_t offset, std::string_view more);

Error endless_list(std::string const& where);

}  // namespace rekeyd::providers::ibm
