#include "storage/database_copy.hpp"

#include "storage/connection.hpp"
#include "storage/file_access.hpp"
#include "storage/read_only_connection.hpp"

#include <SQLiteCpp/Backup.h>
#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace rekeyd::storage {

namespace {

void sync_path(std::filesystem::path const& path, int flags) {
  int const descriptor = ::open(path.c_str(), flags | O_CLOEXEC);
  if (descriptor < 0) refuse_file("cannot open", path, errno);
  bool const done = ::fsync(descriptor) == 0;
  int const code = errno;
  ::close(descriptor);
  if (!done) refuse_file("cannot bring to the disk", path, code);
}

}  // namespace

void refuse_file(std::string const& doing, std::filesystem::path const& path, int code) {
  Error error = file_error(fmt::format("{} {}", doing, path.string()), path, code);
  throw Refusal{std::move(error)};
}

FileInTheMaking::FileInTheMaking(std::filesystem::path path) : path_(std::move(path)) {
  int const descriptor = ::open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (descriptor < 0) refuse_file("cannot make", path_, errno);
  ::close(descriptor);
}

FileInTheMaking::~FileInTheMaking() {
  if (kept_) return;
  for (char const* suffix : {"", "-journal", "-wal", "-shm"}) ::unlink((path_.string() + suffix).c_str());
}

void copy_database(std::filesystem::path const& from, std::filesystem::path const& to) {
  auto const source = connect_read_only(from);
  {
    Connection target(to, Access::read_write, std::chrono::milliseconds(0));
    // One go, one moment: in WAL mode a reader keeps nobody from writing.
    SQLite::Backup backup(target.database(), source->database());
    backup.executeStep(-1);
  }
  Connection copy(to, Access::read_write, std::chrono::milliseconds(0));
  std::string const mode = copy.text("PRAGMA journal_mode = DELETE");
  if (mode != "delete") {
    refuse(fmt::format("the copy stays in journal mode '{}'", mode), "copy_failed",
           "make the copy on a local file system");
  }
  sync_file(to);
}

void sync_file(std::filesystem::path const& file) { sync_path(file, O_RDONLY); }

void sync_folder_of(std::filesystem::path const& file) {
  sync_path(std::filesystem::absolute(file).parent_path(), O_RDONLY | O_DIRECTORY);
}

}  // namespace rekeyd::storage
