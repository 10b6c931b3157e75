#include "tests/simulation/disk/sqlite_file.hpp"

#include "tests/simulation/disk/simulated_disk.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

namespace rekeyd::simulation {
namespace {

OpenSqliteFile& opened(sqlite3_file* file) { return *reinterpret_cast<SqliteFile*>(file)->open; }

/// Does the machine that opened this file still run?
bool alive(OpenSqliteFile const& file) {
  return file.life == file.disk->life() && (file.temporary || file.disk->readable() == 0);
}

void touch_lock(OpenSqliteFile const& file) {
  if (!file.temporary && file.life == file.disk->life()) file.disk->touch_lock();
}

int answer(int error, int otherwise) {
  if (error == 0) return SQLITE_OK;
  return error == ENOSPC ? SQLITE_FULL : otherwise;
}

int close(sqlite3_file* base) {
  OpenSqliteFile& file = opened(base);
  sqlite_file_methods.xShmUnmap(base, 0);
  sqlite_file_methods.xUnlock(base, SQLITE_LOCK_NONE);
  if (file.delete_on_close && !file.temporary && alive(file)) {
    if (DiskFolder* const in = file.disk->folder(file.path.parent_path())) {
      static_cast<void>(file.disk->remove(*in, file.path.filename().native()));
    }
  }
  delete &file;
  reinterpret_cast<SqliteFile*>(base)->open = nullptr;
  return SQLITE_OK;
}

int read(sqlite3_file* base, void* out, int amount, sqlite3_int64 offset) {
  OpenSqliteFile& file = opened(base);
  if (!alive(file)) return SQLITE_IOERR_READ;
  std::string const& bytes = file.file->bytes();
  auto const from = std::min(static_cast<std::size_t>(offset), bytes.size());
  auto const wanted = static_cast<std::size_t>(amount);
  std::size_t const there = std::min(wanted, bytes.size() - from);
  std::memcpy(out, bytes.data() + from, there);
  if (there == wanted) return SQLITE_OK;
  std::memset(static_cast<char*>(out) + there, 0, wanted - there);
  return SQLITE_IOERR_SHORT_READ;
}

int write(sqlite3_file* base, void const* bytes, int amount, sqlite3_int64 offset) {
  OpenSqliteFile& file = opened(base);
  if (!alive(file)) return SQLITE_IOERR_WRITE;
  std::string_view const text(static_cast<char const*>(bytes), static_cast<std::size_t>(amount));
  if (!file.temporary) {
    return answer(file.disk->write(*file.file, static_cast<std::uint64_t>(offset), text), SQLITE_IOERR_WRITE);
  }
  file.file->write(static_cast<std::uint64_t>(offset), text);
  return SQLITE_OK;
}

int truncate(sqlite3_file* base, sqlite3_int64 size) {
  OpenSqliteFile& file = opened(base);
  if (!alive(file)) return SQLITE_IOERR_TRUNCATE;
  if (!file.temporary) {
    return answer(file.disk->truncate(*file.file, static_cast<std::uint64_t>(size)), SQLITE_IOERR_TRUNCATE);
  }
  file.file->truncate(static_cast<std::uint64_t>(size));
  return SQLITE_OK;
}

int sync(sqlite3_file* base, int) {
  OpenSqliteFile& file = opened(base);
  if (!alive(file)) return SQLITE_IOERR_FSYNC;
  if (file.temporary) return SQLITE_OK;
  if (int const error = file.disk->sync(*file.file)) return answer(error, SQLITE_IOERR_FSYNC);
  if (!std::exchange(file.sync_folder, false)) return SQLITE_OK;
  return answer(file.disk->sync(*file.disk->folder(file.path.parent_path())), SQLITE_IOERR_DIR_FSYNC);
}

int size(sqlite3_file* base, sqlite3_int64* out) {
  OpenSqliteFile& file = opened(base);
  if (!alive(file)) return SQLITE_IOERR_FSTAT;
  *out = static_cast<sqlite3_int64>(file.file->bytes().size());
  return SQLITE_OK;
}

int lock(sqlite3_file* base, int wanted) {
  OpenSqliteFile& file = opened(base);
  if (wanted <= file.lock && alive(file)) return SQLITE_OK;
  touch_lock(file);
  if (!alive(file)) return SQLITE_IOERR_LOCK;
  SharedFile& shared = *file.shared;
  auto const others = [&](void const* holder) { return holder != nullptr && holder != &file; };
  if (file.lock == SQLITE_LOCK_NONE) {
    if (others(shared.pending)) return SQLITE_BUSY;
    ++shared.shared;
    file.lock = SQLITE_LOCK_SHARED;
  }
  if (wanted >= SQLITE_LOCK_RESERVED) {
    if (others(shared.reserved)) return SQLITE_BUSY;
    shared.reserved = &file;
    file.lock = std::max(file.lock, SQLITE_LOCK_RESERVED);
  }
  if (wanted == SQLITE_LOCK_EXCLUSIVE) {
    if (others(shared.pending)) return SQLITE_BUSY;
    shared.pending = &file;
    file.lock = SQLITE_LOCK_PENDING;
    if (shared.shared > 1) return SQLITE_BUSY;
    file.lock = SQLITE_LOCK_EXCLUSIVE;
  }
  return SQLITE_OK;
}

int unlock(sqlite3_file* base, int level) {
  OpenSqliteFile& file = opened(base);
  if (level >= file.lock) return SQLITE_OK;
  touch_lock(file);
  SharedFile& shared = *file.shared;
  if (shared.pending == &file) shared.pending = nullptr;
  if (shared.reserved == &file) shared.reserved = nullptr;
  if (level == SQLITE_LOCK_NONE) --shared.shared;
  file.lock = level;
  return SQLITE_OK;
}

int is_reserved(sqlite3_file* base, int* out) {
  OpenSqliteFile& file = opened(base);
  *out = file.shared->reserved != nullptr ? 1 : 0;
  return alive(file) ? SQLITE_OK : SQLITE_IOERR_CHECKRESERVEDLOCK;
}

int control(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }

/// As SQLite assumes of a disk on Unix.
int sector_size(sqlite3_file*) { return 4096; }
int characteristics(sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

int map(sqlite3_file* base, int region, int region_size, int extend, void volatile** out) {
  OpenSqliteFile& file = opened(base);
  *out = nullptr;
  auto const index = static_cast<std::size_t>(region);
  SharedFile& shared = *file.shared;
  if (!alive(file) || static_cast<std::size_t>(region_size) != shared.region_size) return SQLITE_IOERR_SHMMAP;
  if (!std::exchange(file.mapped, true)) ++shared.mapped;
  if (index >= shared.regions.size()) {
    if (extend == 0) return SQLITE_OK;
    while (shared.regions.size() <= index) shared.regions.push_back(std::make_unique<SharedFile::Region>());
  }
  *out = shared.regions[index]->data();
  return SQLITE_OK;
}

int lock_slots(sqlite3_file* base, int offset, int count, int flags) {
  OpenSqliteFile& file = opened(base);
  SharedFile& shared = *file.shared;
  bool const release = (flags & SQLITE_SHM_UNLOCK) != 0;
  bool const exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
  touch_lock(file);
  if (!release && !alive(file)) return SQLITE_IOERR_SHMLOCK;
  auto const first = static_cast<std::size_t>(offset);
  auto const end = first + static_cast<std::size_t>(count);
  for (std::size_t slot = first; slot < end && !release; ++slot) {
    bool const taken = shared.writer[slot] != nullptr && shared.writer[slot] != &file;
    if (taken || (exclusive && shared.readers[slot] > 0)) return SQLITE_BUSY;
  }
  for (std::size_t slot = first; slot < end; ++slot) {
    if (exclusive) {
      shared.writer[slot] = release ? nullptr : &file;
    } else {
      shared.readers[slot] += release ? -1 : 1;
    }
  }
  return SQLITE_OK;
}

void barrier(sqlite3_file*) { std::atomic_thread_fence(std::memory_order_seq_cst); }

int unmap(sqlite3_file* base, int) {
  OpenSqliteFile& file = opened(base);
  if (!std::exchange(file.mapped, false)) return SQLITE_OK;
  if (--file.shared->mapped == 0) file.shared->regions.clear();
  return SQLITE_OK;
}

}  // namespace

sqlite3_io_methods const sqlite_file_methods = {
    .iVersion = 2,
    .xClose = close,
    .xRead = read,
    .xWrite = write,
    .xTruncate = truncate,
    .xSync = sync,
    .xFileSize = size,
    .xLock = lock,
    .xUnlock = unlock,
    .xCheckReservedLock = is_reserved,
    .xFileControl = control,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = characteristics,
    .xShmMap = map,
    .xShmLock = lock_slots,
    .xShmBarrier = barrier,
    .xShmUnmap = unmap,
};

}  // namespace rekeyd::simulation
