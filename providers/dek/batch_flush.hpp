#pragma once
#include "providers/dek/envelope_file.hpp"
#include "providers/system/clock.hpp"

#include <chrono>
#include <cstddef>
#include <memory>

namespace rekeyd::providers {

/// A disk's own file system (ext4, XFS, Btrfs), whose ways we know: syncfs(2) brings all that was written
/// before it to the disk and reports what failed since the descriptor was opened (Linux 5.8), and a file's
/// status by name is its status. Of others (network, stacked, in user space) neither is sure.
bool is_on_known_file_system(Folder const& folder);

/// Brings many new files to the disk with one wait.
///
/// A flush of each file (fsync) makes the disk commit and empty its cache once a file; syncfs does so once
/// for all. Its price: it waits for everything that anybody has written to that file system. So it is for
/// batches worth it, and where one took long, the next go file by file.
class BatchFlush {
 public:
  static constexpr std::size_t files_min = 16;

  /// `clock`: what a flush is timed by, from the thread that calls; null: none is found long.
  explicit BatchFlush(std::unique_ptr<Clock> clock = nullptr) : clock_(std::move(clock)) {}

  /// True: everything written to the file system of `folder` since `folder` was opened is on the disk, file
  /// contents and attributes. False: nothing is known, flush each file.
  bool all_of(Folder const& folder, std::size_t files);

 private:
  static constexpr std::chrono::seconds patience{1};
  static constexpr int batches_of_rest = 50;

  std::unique_ptr<Clock> clock_;
  int resting_{0};  ///< So many batches more go file by file.
};

}  // namespace rekeyd::providers
