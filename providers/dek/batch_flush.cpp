#include "providers/dek/batch_flush.hpp"

#include <linux/magic.h>
#include <sys/statfs.h>
#include <unistd.h>

namespace rekeyd::providers {
namespace {

/// <linux/magic.h> leaves it to the file system's own headers.
constexpr auto xfs_magic = 0x58465342;

}  // namespace

bool is_on_known_file_system(Folder const& folder) {
  struct statfs status{};
  if (::fstatfs(folder.fd.get(), &status) != 0) return false;
  return status.f_type == EXT4_SUPER_MAGIC || status.f_type == xfs_magic ||
         status.f_type == BTRFS_SUPER_MAGIC;
}

bool BatchFlush::all_of(Folder const& folder, std::size_t files) {
  if (files < files_min || !is_on_known_file_system(folder)) return false;
  if (resting_ > 0) {
    --resting_;
    return false;
  }
  auto const begun = clock_ ? clock_->mono_now() : Clock::Mono();
  bool const done = ::syncfs(folder.fd.get()) == 0;
  if (clock_ && clock_->mono_now() - begun > patience) resting_ = batches_of_rest;
  return done;
}

}  // namespace rekeyd::providers
