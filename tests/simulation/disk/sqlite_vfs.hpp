#pragma once
#include "tests/simulation/disk/disk_file.hpp"

#include <sqlite3.h>

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace rekeyd::simulation {

class SimulatedDisk;

/// What the connections of one machine share about one file: locks on it, and the memory of a WAL's index.
/// Connections of an earlier life hold on to theirs, which nobody else sees any more.
struct SharedFile {
  static constexpr std::size_t slots = SQLITE_SHM_NLOCK;
  static constexpr std::size_t region_size = 32768;  ///< What every SQLite asks for.
  using Region = std::array<std::uint8_t, region_size>;
  int shared{0};           ///< Connections with a SHARED lock or more.
  void const* reserved{};  ///< The one with RESERVED or more.
  void const* pending{};   ///< The one with PENDING or EXCLUSIVE: no new reader.
  std::vector<std::unique_ptr<Region>> regions;
  int mapped{0};  ///< Connections that use the regions; the last one takes them away.
  std::array<int, slots> readers{};
  std::array<void const*, slots> writer{};
};

/// SQLite's way to a SimulatedDisk: registered from construction to destruction. As on Unix, the folder is
/// synced with the first sync of a journal or WAL that was opened to be made, and when SQLite asks for it on
/// deletion. A WAL's index is memory: gone with the last connection, as the real one is made anew by the
/// first.
class SqliteVfs {
 public:
  SqliteVfs(SimulatedDisk& disk, std::string name);
  SqliteVfs(SqliteVfs const&) = delete;
  SqliteVfs& operator=(SqliteVfs const&) = delete;
  ~SqliteVfs();

  SimulatedDisk& disk() { return disk_; }
  std::shared_ptr<SharedFile> shared(std::uint64_t number);
  /// A new life: nothing is open, locked or mapped.
  void forget_open_files() { shared_.clear(); }

 private:
  SimulatedDisk& disk_;
  std::string name_;
  sqlite3_vfs vfs_{};
  std::map<std::uint64_t, std::shared_ptr<SharedFile>> shared_;
};

}  // namespace rekeyd::simulation
