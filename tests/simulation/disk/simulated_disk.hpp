#pragma once
#include "tests/simulation/disk/disk_file.hpp"
#include "tests/simulation/disk/disk_folder.hpp"
#include "tests/support/seeded_random.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rekeyd::simulation {

class SqliteVfs;

/// A disk in memory for one simulated machine. What was written is seen at once, and is safe only when it was
/// synced: the file for its content, mode and owner, the folder for its names. A power cut loses, keeps or
/// tears the rest, as the seed says.
///
/// It is reached in two ways, by the production code as it is:
/// - SQLite by vfs(), a VFS of its own: give the name as storage::OpenOptions::vfs.
/// - POSIX calls (open, renameat, fsync, syncfs, flock, readdir, ...) on paths below root(), by the linker's
/// --wrap, in
///   programs that link rekeyd_simulated_disk: so the envelope files, the state lock and the database's modes
///   need no seam of their own. Not reached: what calls the system out of a shared library (std::fstream,
///   std::filesystem).
/// root() is a path that no real file system has. There are no links, no extended attributes, no rights to be
/// refused, and no way to make a folder but make_folder().
///
/// Single-threaded. Several disks live side by side, each with its own root and VFS; at the end of a disk
/// every connection to it has been closed. The same seed and the same calls have the same losses.
class SimulatedDisk {
 public:
  explicit SimulatedDisk(std::uint64_t seed);
  SimulatedDisk(SimulatedDisk const&) = delete;
  SimulatedDisk& operator=(SimulatedDisk const&) = delete;
  ~SimulatedDisk();

  std::filesystem::path const& root() const { return root_; }
  std::string const& vfs() const { return vfs_name_; }

  // Setting the scene, and looking: neither counted nor refused, whatever state the disk is in; what is put
  // there is safe at once. Paths are whole ones, below root().

  void make_folder(std::filesystem::path const& folder);  ///< With the folders on the way.
  void put(std::filesystem::path const& file, std::string_view text);
  void take_away(std::filesystem::path const& file);
  std::optional<std::string> text_of(std::filesystem::path const& file) const;
  std::vector<std::string> names_in(std::filesystem::path const& folder) const;  ///< Sorted; files only.

  // What goes wrong.

  /// Operations that were carried out: every write, truncation, sync, creation, removal, rename, and change
  /// of mode or owner. Reading and locking do not count.
  std::uint64_t operations() const { return operations_; }
  /// From the operation with this number on (the first ever is 1) every call fails with EIO or SQLITE_IOERR,
  /// reading too, and changes nothing.
  void die_at(std::uint64_t operation) { dies_at_ = operation; }
  bool dead() const { return dead_; }
  enum class Boundary { change, lock };
  /// Told before each operation, and before each lock that is taken or given back, while the disk lives:
  /// where a process can end. When it calls die_at(0) nothing of that one happens any more.
  std::function<void(Boundary)> on_boundary = [](Boundary) {};
  /// What makes a file longer, or a new one, fails with ENOSPC or SQLITE_FULL.
  void full(bool is_full) { full_ = is_full; }
  /// Syncs return success and make nothing safe.
  void lies_about_sync(bool lies) { lies_ = lies; }
  /// fsync() of a file (not of a folder, and not SQLite's) and syncfs() do nothing: the program as if it
  /// renamed a new file into place without bringing its content to the disk first.
  void leaves_out_fsync(bool left_out) { fsync_left_out_ = left_out; }
  bool fsync_left_out() const { return fsync_left_out_; }

  /// The machine loses power and comes back: what was open, locked or mapped is no more (old descriptors fail
  /// with EBADF, old connections with SQLITE_IOERR, and may still be closed), the disk lives again.
  void power_cut();
  /// The same for a process that is killed on a machine that goes on: everything written is still there, and
  /// what was not synced still at risk.
  void kill_process();

  // What the two ways in are made of. Each returns 0 or the error as an errno.

  static SimulatedDisk* of(std::string_view path);  ///< Null for a path of no simulated disk.
  static SimulatedDisk* of(std::filesystem::path const& path) { return of(std::string_view(path.native())); }
  std::uint64_t life() const {
    return life_;
  }  ///< Never the same before and after a death, nor on two disks.
  int readable() const;
  /// A lock is about to be taken or given back.
  void touch_lock();
  DiskFolder* folder(std::filesystem::path const& path);
  std::shared_ptr<DiskFile> file(std::filesystem::path const& path) const;
  int create(DiskFolder& folder, std::string const& name, mode_t mode, std::shared_ptr<DiskFile>& made);
  int write(DiskFile& file, std::uint64_t offset, std::string_view text);
  int truncate(DiskFile& file, std::uint64_t size);
  int set_attributes(DiskFile& file, DiskFile::Attributes attributes);
  int sync(DiskFile& file);
  int sync(DiskFolder& folder);
  int sync_all();  ///< Every file and folder.
  int rename(DiskFolder& folder, std::string const& from, std::string const& to);
  int remove(DiskFolder& folder, std::string const& name);
  /// For stat(): grows with each change of the file. A disk has no clock, only an order.
  std::uint64_t changed(std::uint64_t number) const;

 private:
  int operate();
  void begin_life();

  std::filesystem::path root_;
  std::string vfs_name_;
  test::SeededRandom chance_;
  std::map<std::string, std::unique_ptr<DiskFolder>> folders_;  ///< By path.
  std::map<std::uint64_t, std::weak_ptr<DiskFile>> files_;      ///< By number: those at risk, and more.
  std::map<std::uint64_t, std::uint64_t> changed_;
  std::uint64_t last_number_{0};
  std::uint64_t changes_{0};
  std::uint64_t life_{0};
  std::uint64_t operations_{0};
  std::uint64_t dies_at_{std::numeric_limits<std::uint64_t>::max()};
  bool dead_{false};
  bool full_{false};
  bool lies_{false};
  bool fsync_left_out_{false};
  std::unique_ptr<SqliteVfs> sqlite_;  ///< Last: its ways lead through the rest.
};

}  // namespace rekeyd::simulation
