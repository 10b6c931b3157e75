#include "tests/simulation/disk/sqlite_vfs.hpp"

#include "tests/simulation/disk/simulated_disk.hpp"
#include "tests/simulation/disk/sqlite_file.hpp"

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace rekeyd::simulation {
namespace {

constexpr int path_max = 1024;

SqliteVfs& self(sqlite3_vfs* vfs) { return *static_cast<SqliteVfs*>(vfs->pAppData); }

/// The file behind a name; made if `flags` allow it.
int find_or_create(SimulatedDisk& disk, OpenSqliteFile& file, int flags) {
  if (disk.readable() != 0) return SQLITE_IOERR;
  DiskFolder* const in = disk.folder(file.path.parent_path());
  if (in == nullptr) return SQLITE_CANTOPEN;
  file.file = disk.file(file.path);
  bool const journal =
      (flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL)) != 0;
  file.sync_folder = journal && (flags & SQLITE_OPEN_CREATE) != 0;
  bool const exclusive = (flags & SQLITE_OPEN_EXCLUSIVE) != 0;
  if (file.file) return exclusive ? SQLITE_CANTOPEN : SQLITE_OK;
  if ((flags & SQLITE_OPEN_CREATE) == 0) return SQLITE_CANTOPEN;
  int const error = disk.create(*in, file.path.filename().native(), 0600, file.file);
  if (error == ENOSPC) return SQLITE_FULL;
  if (error != 0) return SQLITE_CANTOPEN;
  return SQLITE_OK;
}

int open(sqlite3_vfs* vfs, char const* name, sqlite3_file* base, int flags, int* out_flags) {
  auto* const made = reinterpret_cast<SqliteFile*>(base);
  made->base.pMethods = nullptr;
  made->open = nullptr;
  SimulatedDisk& disk = self(vfs).disk();
  auto file = std::make_unique<OpenSqliteFile>();
  file->disk = &disk;
  file->life = disk.life();
  file->temporary = name == nullptr;
  file->delete_on_close = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
  if (file->temporary) {
    file->file = std::make_shared<DiskFile>(0, DiskFile::Attributes{});
    file->shared = std::make_shared<SharedFile>();
  } else {
    file->path = name;
    if (int const error = find_or_create(disk, *file, flags)) return error;
    file->shared = self(vfs).shared(file->file->number());
  }
  if (out_flags != nullptr) *out_flags = flags;
  made->open = file.release();
  made->base.pMethods = &sqlite_file_methods;
  return SQLITE_OK;
}

int remove(sqlite3_vfs* vfs, char const* name, int sync_folder) {
  SimulatedDisk& disk = self(vfs).disk();
  std::filesystem::path const path(name);
  DiskFolder* const in = disk.folder(path.parent_path());
  if (in == nullptr) return SQLITE_IOERR_DELETE_NOENT;
  int const error = disk.remove(*in, path.filename().native());
  if (error == ENOENT) return SQLITE_IOERR_DELETE_NOENT;
  if (error != 0) return SQLITE_IOERR_DELETE;
  if (sync_folder != 0 && disk.sync(*in) != 0) return SQLITE_IOERR_DIR_FSYNC;
  return SQLITE_OK;
}

int access(sqlite3_vfs* vfs, char const* name, int, int* out) {
  SimulatedDisk& disk = self(vfs).disk();
  auto const file = disk.file(name);
  // As on Unix: an empty file counts as none.
  *out = file && !file->bytes().empty() ? 1 : 0;
  return disk.readable() == 0 ? SQLITE_OK : SQLITE_IOERR_ACCESS;
}

int full_path(sqlite3_vfs*, char const* name, int size, char* out) {
  if (std::strlen(name) >= static_cast<std::size_t>(size)) return SQLITE_CANTOPEN;
  std::strcpy(out, name);
  return SQLITE_OK;
}

/// Not asked: SQLite seeds its one generator from its default VFS, or from what the constructor below gives.
int randomness(sqlite3_vfs*, int size, char* out) {
  std::memset(out, 1, static_cast<std::size_t>(size));
  return size;
}
int sleep(sqlite3_vfs*, int microseconds) { return microseconds; }
int current_time(sqlite3_vfs*, double* out) {
  *out = 2461000.5;
  return SQLITE_OK;
}
int last_error(sqlite3_vfs*, int, char*) { return 0; }
int current_time_milliseconds(sqlite3_vfs*, sqlite3_int64* out) {
  *out = sqlite3_int64{2461000} * 86400000;
  return SQLITE_OK;
}

}  // namespace

SqliteVfs::SqliteVfs(SimulatedDisk& disk, std::string name) : disk_(disk), name_(std::move(name)) {
  vfs_ = {
      .iVersion = 2,
      .szOsFile = sizeof(SqliteFile),
      .mxPathname = path_max,
      .zName = name_.c_str(),
      .pAppData = this,
      .xOpen = open,
      .xDelete = remove,
      .xAccess = access,
      .xFullPathname = full_path,
      .xRandomness = randomness,
      .xSleep = sleep,
      .xCurrentTime = current_time,
      .xGetLastError = last_error,
      .xCurrentTimeInt64 = current_time_milliseconds,
  };
  // A WAL's salt is drawn by SQLite itself: from here on the same numbers in every run.
  sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, 1, nullptr);
  if (sqlite3_vfs_register(&vfs_, 0) != SQLITE_OK) throw std::runtime_error("cannot register the VFS");
}

SqliteVfs::~SqliteVfs() { sqlite3_vfs_unregister(&vfs_); }

std::shared_ptr<SharedFile> SqliteVfs::shared(std::uint64_t number) {
  std::shared_ptr<SharedFile>& known = shared_[number];
  if (!known) known = std::make_shared<SharedFile>();
  return known;
}

}  // namespace rekeyd::simulation
