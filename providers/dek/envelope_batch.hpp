#pragma once
#include "policy/error.hpp"
#include "providers/dek/batch_flush.hpp"
#include "providers/dek/dek_store.hpp"

#include <cstddef>
#include <filesystem>
#include <span>
#include <vector>

namespace rekeyd::providers {

/// A disk takes so many flushes in little more time than one.
inline constexpr std::size_t files_at_once = 8;

/// Replaces the WDEKs of a batch in the envelope files below `root`: one result for each, in order. First
/// every new file is written, then all are brought to the disk (by `flush` together, where that serves, else
/// each by itself), then each old file is looked at once more and the new one put in its place, and at last
/// every folder is flushed once: the disk gets its work in one go, and a failure half-way leaves old files
/// whole.
///
/// The last look compares what the old file is (inode, size, time stamps) with what it was when it was read,
/// and reads it again where that proves nothing: on a file system that we do not know (see batch_flush.hpp),
/// and when it may have been changed within the same tick of the file system's clock as it was read in.
///
/// `at_once` files are flushed, and closed, side by side; with 1 everything is done by the caller's thread.
std::vector<Result<void>> replace_envelopes(std::filesystem::path const& root,
                                            std::span<DekReplacement const> batch, BatchFlush& flush,
                                            std::size_t at_once = files_at_once);

/// Does for one file what replace_envelopes() does until the new file would take its place: makes it beside
/// the old one with its owner, mode and attributes, and takes it away again. Well, too, if the file is gone.
Result<void> rehearse_replacement(std::filesystem::path const& root, DekId const& id);

}  // namespace rekeyd::providers
