#pragma once
#include "policy/error.hpp"
#include "providers/dek/dek_store.hpp"

#include <cstddef>
#include <filesystem>
#include <span>
#include <vector>

namespace rekeyd::providers {

/// A disk takes so many flushes in little more time than one.
inline constexpr std::size_t files_at_once = 8;

/// Replaces the WDEKs of a batch in the envelope files below `root`: one result for each, in order. First
/// every new file is written, then each is flushed, then each is compared and put in place, and at last every
/// folder is flushed once: the disk gets its work in one go, and a failure half-way leaves old files whole.
/// `at_once` files are flushed and put in place side by side; with 1 everything is done by the caller's
/// thread.
std::vector<Result<void>> replace_envelopes(std::filesystem::path const& root,
                                            std::span<DekReplacement const> batch,
                                            std::size_t at_once = files_at_once);

}  // namespace rekeyd::providers
