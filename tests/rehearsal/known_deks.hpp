#pragma once
#include "config/settings.hpp"
#include "policy/names.hpp"

#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace rekeyd::rehearsal {

/// Under which name the WDEKs of a key are counted: its reference in lower case, as envelopes may spell it.
std::string dek_group(KeyRef const& key);

/// How many WDEKs each root key has.
struct DekCounts {
  std::map<std::string, std::size_t> by_key;  ///< dek_group() → WDEKs.
  std::vector<std::string> unread;            ///< A sentence for each folder that could not be read whole.

  std::size_t of(KeyRef const& key) const;
  std::size_t total() const;
};

/// Counts the envelope files of the configured folders. Opens files for reading and nothing else: no folder's
/// leftovers are tidied up here. Of a file only the name of its key is kept. Reads `files_max` at most.
DekCounts count_deks(std::vector<config::DekStoreSettings> const& stores, std::size_t files_max = 200'000);

/// So many of them that all keys together have no more than `most`, and each key that has some keeps some.
DekCounts thinned_out(DekCounts counts, std::size_t most);

}  // namespace rekeyd::rehearsal
