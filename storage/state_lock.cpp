#include "storage/state_lock.hpp"

#include "storage/file_access.hpp"
#include "storage/storage_error.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <string>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace rekeyd::storage {

namespace {

std::string owner_text(int descriptor) {
  std::array<char, 32> text{};
  ssize_t const size = ::pread(descriptor, text.data(), text.size(), 0);
  long pid = 0;
  if (size > 0) std::from_chars(text.data(), text.data() + size, pid);
  return pid > 0 ? fmt::format("process {}", pid) : "another process";
}

bool write_owner(int descriptor) {
  std::string const text = fmt::format("{}\n", ::getpid());
  return ::ftruncate(descriptor, 0) == 0 &&
         ::pwrite(descriptor, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
}

}  // namespace

Result<StateLock> StateLock::acquire(std::filesystem::path const& database) {
  std::filesystem::path path = database;
  path += ".lock";
  int const descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (descriptor < 0) return std::unexpected(file_error("cannot open the lock file", path, errno));
  StateLock lock(descriptor);
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return std::unexpected(file_error("cannot lock", path, errno));
    return std::unexpected(storage_error(
        fmt::format("the database is in use: {} is the rekeyd that works on it", owner_text(descriptor)),
        database.string(), "already_running",
        "stop that one first (systemctl stop rekeyd), or give this one a database of its own"));
  }
  // The pid is for people only: on a full disk the lock holds all the same, and the first commit will say so.
  (void)write_owner(descriptor);
  return lock;
}

StateLock::StateLock(StateLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

StateLock::~StateLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace rekeyd::storage
