#pragma once
#include "tests/simulation/disk/simulated_disk.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>

#include <dirent.h>
#include <sys/stat.h>
#include <sys/statfs.h>

namespace rekeyd::simulation {

/// What one descriptor stands for: a file, or a folder.
struct OpenFile {
  std::filesystem::path path;
  std::uint64_t life{};
  std::shared_ptr<DiskFile> file;  ///< Null for a folder.
  std::uint64_t position{};
  bool may_write{};
  bool locked{};
};

/// A folder being read.
struct FolderStream {
  int descriptor{};
  std::vector<std::pair<std::string, unsigned char>> entries;
  std::size_t next{};
  dirent entry{};
};

/// The descriptors of the simulated disks, with numbers that the system never gives, each used once: a late
/// close() of an earlier life hits nobody else's. Its functions are the POSIX ones: -1 and errno, or the
/// answer.
class PosixFiles {
 public:
  static constexpr int first_descriptor = 1 << 24;
  static bool is_ours(int descriptor) { return descriptor >= first_descriptor; }
  static PosixFiles& instance();

  int open(std::filesystem::path const& path, int flags, mode_t mode);
  int open_at(int folder, char const* name, int flags, mode_t mode);
  int duplicate(int descriptor);
  int close(int descriptor);
  ssize_t read(int descriptor, void* out, std::size_t size);
  ssize_t read_at(int descriptor, void* out, std::size_t size, off_t offset);
  ssize_t write(int descriptor, void const* bytes, std::size_t size);
  ssize_t write_at(int descriptor, void const* bytes, std::size_t size, off_t offset);
  int sync(int descriptor);
  int sync_all(int descriptor);
  int file_system(int descriptor, struct statfs* out);  ///< It calls itself ext4.
  int truncate(int descriptor, off_t size);
  int status(std::filesystem::path const& path, struct stat* out);
  int status(int descriptor, struct stat* out);
  int status_at(int folder, char const* name, struct stat* out);
  int change_mode(std::filesystem::path const& path, mode_t mode);
  int change_mode(int descriptor, mode_t mode);
  int change_owner(std::filesystem::path const& path, uid_t owner, gid_t group);
  int change_owner(int descriptor, uid_t owner, gid_t group);
  int exists(std::filesystem::path const& path);
  int lock(int descriptor, int operation);
  int rename(std::filesystem::path const& from, std::filesystem::path const& to);
  int rename_at(int folder, char const* from, int to_folder, char const* to);
  int remove(std::filesystem::path const& path);
  int remove_at(int folder, char const* name);

  DIR* open_stream(int folder);
  bool is_ours(DIR* stream) const;
  dirent* next_entry(DIR* stream);
  int close_stream(DIR* stream);

 private:
  OpenFile* find(int descriptor);  ///< Null, and errno set, for what is not open in this life.
  std::filesystem::path path_at(int folder, char const* name);
  int change(std::filesystem::path const& path, std::shared_ptr<DiskFile> const& file,
             DiskFile::Attributes attributes);

  int next_{first_descriptor};
  std::map<int, OpenFile> open_;
  std::map<void const*, std::unique_ptr<FolderStream>> streams_;
};

}  // namespace rekeyd::simulation
