#pragma once
#include "policy/error.hpp"
#include "providers/dek/envelope_file.hpp"

#include <string>
#include <string_view>

namespace rekeyd::providers {

/// Is this the name of a file that only an AtomicReplacement makes? What a crash left of one can be removed.
bool is_leftover_name(std::string_view name);

/// A new text for a file, next to it, until commit() puts it in the file's place in one step. Whoever reads
/// the file at any moment sees the old text or the new one whole. Without commit() the file stays as it is
/// and nothing stays behind.
class AtomicReplacement {
 public:
  /// Writes `text` to a temporary file in `folder`, which must outlive this, with owner, group, mode, access
  /// control list and extended attributes of `old`, which is the present file `name`.
  static Result<AtomicReplacement> prepare(Folder const& folder, std::string name, FileText const& old,
                                           std::string_view text);

  AtomicReplacement(AtomicReplacement&& other) noexcept;
  AtomicReplacement& operator=(AtomicReplacement&&) = delete;
  AtomicReplacement(AtomicReplacement const&) = delete;
  AtomicReplacement& operator=(AtomicReplacement const&) = delete;
  ~AtomicReplacement();

  /// When the file system took the new file in: a reading of its clock.
  FileStamp made() const { return made_; }
  dev_t device() const { return device_; }

  /// Brings the new text to the disk.
  Result<void> flush();
  /// Puts it in place. Durable only after the folder, too, is flushed (flush_folder).
  Result<void> commit();

 private:
  AtomicReplacement(Folder const& folder, std::string name) : folder_(&folder), name_(std::move(name)) {}
  Result<void> create();

  Folder const* folder_;
  std::string name_;
  std::string temporary_;  ///< Empty when there is nothing to clean up.
  FileDescriptor fd_;
  FileStamp made_;
  dev_t device_{};
};

/// Brings the names in a folder to the disk.
Result<void> flush_folder(Folder const& folder);

}  // namespace rekeyd::providers
