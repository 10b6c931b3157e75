#pragma once
#include "providers/dek/dek_store.hpp"
#include "providers/dek/envelope_batch.hpp"

#include <cstddef>
#include <filesystem>
#include <memory>

namespace rekeyd::providers {

/// A folder of JSON envelope files (see envelope.hpp), one WDEK a file, sub-folders included, as a DekStore.
/// A WDEK's id is its file's path relative to the folder; walk() goes by it, in byte order.
///
/// What can never work is refused at once: a relative path, or something that is not a folder. A folder that
/// is not there or cannot be read yet makes a store all the same: walk() and defects() say what is wrong
/// until it is there.
///
/// Everything is done one after the other, so a batch of replacements is never interleaved with another, or
/// with a reading, of the same store. Against other programs it is as good as rename(2) allows: the file is
/// compared with what was read last of all before the new one takes its place. An application that writes its
/// own envelopes should do it the same way, with a new file and a rename, never in place.
///
/// rehearse() makes the new file beside one of each folder and takes it away again.
///
/// A walk begins with a flush of the folders that hold the key's WDEKs: what it shows as moved by a life that
/// ended meanwhile does not come back as it was when the power goes.
///
/// Leftover files of replacements that a crash cut short (".rekeyd-dek-*.tmp") are removed when their folder
/// is listed, which happens at least here.
///
/// It is done on a thread of the store's own (store_thread.hpp), and replace() has some of its work done by
/// `at_once` threads (envelope_batch.hpp). With 1 the calling thread does it all and nothing suspends.
Result<std::unique_ptr<DekStore>> make_envelope_directory(DekStoreName name, std::filesystem::path root,
                                                          std::size_t at_once = files_at_once);

}  // namespace rekeyd::providers
