#pragma once
#include "tests/simulation/disk/disk_folder.hpp"
#include "tests/simulation/disk/sqlite_vfs.hpp"

#include <sqlite3.h>

#include <filesystem>
#include <memory>

namespace rekeyd::simulation {

/// One file that one SQLite connection has open.
struct OpenSqliteFile {
  SimulatedDisk* disk{};
  std::uint64_t life{};
  std::shared_ptr<DiskFile> file;
  std::shared_ptr<SharedFile> shared;
  std::filesystem::path path;
  bool temporary{false};  ///< Has no name and is on no disk.
  bool delete_on_close{false};
  bool sync_folder{false};  ///< Its name is brought to the disk with its first sync.
  int lock{SQLITE_LOCK_NONE};
  bool mapped{false};
};

/// SQLite gives the memory and makes nothing in it: the object itself is elsewhere.
struct SqliteFile {
  sqlite3_file base;
  OpenSqliteFile* open;
};

extern sqlite3_io_methods const sqlite_file_methods;

}  // namespace rekeyd::simulation
