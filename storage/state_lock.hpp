#pragma once
#include "policy/error.hpp"

#include <filesystem>

namespace rekeyd::storage {

/// The right to be the one daemon on a database: an exclusive flock() on a lock file, which the kernel takes
/// back when the process ends in whatever way. The file holds the owner's pid for people and stays where it
/// is: taking it away would let two daemons lock two files of one name. Mode 0600, so that nobody who may
/// only read the database can lock the daemon out.
class StateLock {
 public:
  /// `database` + ".lock". An error of class storage, code "already_running", names the pid that holds it.
  static Result<StateLock> acquire(std::filesystem::path const& database);

  StateLock(StateLock&& other) noexcept;
  StateLock& operator=(StateLock&&) = delete;
  ~StateLock();

 private:
  explicit StateLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace rekeyd::storage
