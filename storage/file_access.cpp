#include "storage/file_access.hpp"

#include "storage/storage_error.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rekeyd::storage {

namespace {

namespace fs = std::filesystem;

mode_t mode_for(std::optional<gid_t> readers) { return readers ? 0640 : 0600; }

char const* remedy_for(int code) {
  switch (code) {
    case ENOENT:
      return "make the folder, owned by rekeyd's user (under systemd StateDirectory= does it), or correct "
             "the "
             "database's path in rekeyd.yaml";
    case EACCES:
    case EPERM:
      return "check the owner and mode of the file and of the folders above it";
    case ENOSPC:
    case EDQUOT:
      return "free space on that file system";
    case EROFS:
      return "the file system is mounted read-only: put the database elsewhere or mount it writable";
    default:
      return "look at the file system and the kernel log";
  }
}

/// Folders hold names durably only after they have been synced themselves.
void sync_folder(fs::path const& folder) {
  int const descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

fs::path folder_of(fs::path const& file) { return fs::absolute(file).parent_path(); }

Error group_error(fs::path const& path, gid_t readers, int code) {
  Error error = file_error("cannot give the group the right to read", path, code);
  error.what += fmt::format(" (group id {})", readers);
  error.remedy =
      "make rekeyd's user a member of the auditor group (SupplementaryGroups= in the unit, or usermod -aG), "
      "or "
      "take auditor_group out of rekeyd.yaml";
  return error;
}

Result<void> grant(fs::path const& path, std::optional<gid_t> readers) {
  struct stat now{};
  if (::stat(path.c_str(), &now) != 0) {
    if (errno == ENOENT) return {};
    return std::unexpected(file_error("cannot look at", path, errno));
  }
  if (readers && now.st_gid != *readers && ::chown(path.c_str(), static_cast<uid_t>(-1), *readers) != 0) {
    return std::unexpected(group_error(path, *readers, errno));
  }
  if ((now.st_mode & 07777) != mode_for(readers) && ::chmod(path.c_str(), mode_for(readers)) != 0) {
    return std::unexpected(file_error("cannot set the mode of", path, errno));
  }
  return {};
}

}  // namespace

Error file_error(std::string const& what, fs::path const& path, int code) {
  return storage_error(fmt::format("{}: {}", what, std::generic_category().message(code)), path.string(), "",
                       remedy_for(code));
}

Result<void> make_database_file(fs::path const& database, std::optional<gid_t> readers) {
  struct stat found{};
  if (::stat(database.c_str(), &found) == 0) {
    if (S_ISREG(found.st_mode)) return {};
    return std::unexpected(storage_error("the database's path names something that is not a file",
                                         database.string(), "not_a_file",
                                         "give the path of a file, such as /var/lib/rekeyd/rekeyd.db"));
  }
  int const descriptor = ::open(database.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor < 0) return std::unexpected(file_error("cannot make the database file", database, errno));
  ::fsync(descriptor);
  ::close(descriptor);
  sync_folder(folder_of(database));
  return grant(database, readers);
}

Result<void> grant_reading(fs::path const& database, std::optional<gid_t> readers) {
  for (char const* suffix : {"", "-wal", "-shm"}) {
    fs::path path = database;
    path += suffix;
    if (auto granted = grant(path, readers); !granted) return granted;
  }
  return {};
}

std::optional<std::string> reading_obstacle(fs::path const& database, gid_t readers) {
  for (fs::path folder = folder_of(database);; folder = folder.parent_path()) {
    struct stat found{};
    if (::stat(folder.c_str(), &found) != 0) return std::nullopt;
    mode_t const needed = found.st_gid == readers ? S_IXGRP : S_IXOTH;
    if ((found.st_mode & needed) == 0) {
      return fmt::format(
          "members of the auditor group (id {}) may not enter {} (mode {:o}, group id {}): give the folder "
          "to "
          "that group with mode 0750, or set mode 0711 so that all may pass through it",
          readers, folder.string(), found.st_mode & 07777, found.st_gid);
    }
    if (folder == folder.root_path()) return std::nullopt;
  }
}

}  // namespace rekeyd::storage
