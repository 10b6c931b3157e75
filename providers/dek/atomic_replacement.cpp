#include "providers/dek/atomic_replacement.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/xattr.h>

namespace rekeyd::providers {
namespace {

constexpr std::string_view leftover_prefix = ".rekeyd-dek-";
constexpr std::string_view leftover_suffix = ".tmp";

/// Distinct within this process; a name that an earlier process left is skipped by O_EXCL.
std::string next_temporary_name() {
  static std::atomic<std::uint64_t> count{0};
  return fmt::format("{}{:08x}-{:016x}{}", leftover_prefix, static_cast<std::uint32_t>(::getpid()), count++,
                     leftover_suffix);
}

Result<void> write_all(int fd, std::string_view text, std::filesystem::path const& path) {
  while (!text.empty()) {
    ssize_t const written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return std::unexpected(file_error(errno, "write the new envelope", path));
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void> keep_owner_and_mode(int fd, struct stat const& made, struct stat const& old,
                                 std::filesystem::path const& path) {
  bool const same_owner = made.st_uid == old.st_uid && made.st_gid == old.st_gid;
  if (!same_owner && ::fchown(fd, old.st_uid, old.st_gid) != 0) {
    Error error = file_error(errno, fmt::format("keep the owner {}:{}", old.st_uid, old.st_gid), path);
    error.remedy =
        "let the file belong to rekeyd's user and to a group that both are in, or give the unit CAP_CHOWN";
    return std::unexpected(std::move(error));
  }
  if (::fchmod(fd, old.st_mode & 07777U) != 0)
    return std::unexpected(file_error(errno, "keep the mode", path));
  return {};
}

/// The attribute's value, or nothing when it went away meanwhile.
std::optional<std::string> attribute(int fd, char const* name) {
  ssize_t const size = ::fgetxattr(fd, name, nullptr, 0);
  if (size < 0) return std::nullopt;
  std::string value(static_cast<std::size_t>(size), '\0');
  ssize_t const got = ::fgetxattr(fd, name, value.data(), value.size());
  if (got < 0) return std::nullopt;
  value.resize(static_cast<std::size_t>(got));
  return value;
}

/// A folder's default access control list gives a new file entries that the old one may not have.
void drop_inherited_access(int fd) { ::fremovexattr(fd, "system.posix_acl_access"); }

/// Extended attributes, access control lists among them. Labels of a security module (security.*) are the
/// system's to give: where it does not let us copy them, its own rule for new files in this folder stands.
Result<void> keep_attributes(int from, int to, std::filesystem::path const& path) {
  ssize_t const size = ::flistxattr(from, nullptr, 0);
  if (size <= 0) return {};
  std::vector<char> names(static_cast<std::size_t>(size));
  ssize_t const got = ::flistxattr(from, names.data(), names.size());
  if (got < 0) return std::unexpected(file_error(errno, "read the attributes", path));
  for (char const* name = names.data(); name < names.data() + got;
       name += std::string_view(name).size() + 1) {
    std::optional<std::string> const value = attribute(from, name);
    if (!value || ::fsetxattr(to, name, value->data(), value->size(), 0) == 0) continue;
    if (!std::string_view(name).starts_with("security.")) {
      return std::unexpected(file_error(errno, fmt::format("keep the attribute {}", name), path));
    }
  }
  return {};
}

}  // namespace

bool is_leftover_name(std::string_view name) {
  // The prefix, 8 hex digits of a process id, '-', 16 of a count, the suffix: nothing else.
  static constexpr std::size_t digits = 8 + 1 + 16;
  if (name.size() != leftover_prefix.size() + digits + leftover_suffix.size()) return false;
  if (!name.starts_with(leftover_prefix) || !name.ends_with(leftover_suffix)) return false;
  std::string_view const middle = name.substr(leftover_prefix.size(), digits);
  return middle[8] == '-' && std::ranges::count(middle, '-') == 1 &&
         middle.find_first_not_of("0123456789abcdef-") == std::string_view::npos;
}

Result<AtomicReplacement> AtomicReplacement::prepare(Folder const& folder, std::string name,
                                                     FileText const& old, std::string_view text) {
  std::filesystem::path const path = folder.path / name;
  AtomicReplacement made(folder, std::move(name));
  if (auto created = made.create(); !created) return std::unexpected(std::move(created.error()));
  int const fd = made.fd_.get();
  struct stat status{};
  if (::fstat(fd, &status) != 0) return std::unexpected(file_error(errno, "look at the new envelope", path));
  made.made_ = identity_of(status).changed;
  made.device_ = status.st_dev;
  drop_inherited_access(fd);
  if (auto kept = keep_owner_and_mode(fd, status, old.status, path); !kept)
    return std::unexpected(std::move(kept.error()));
  if (auto kept = keep_attributes(old.fd.get(), fd, path); !kept)
    return std::unexpected(std::move(kept.error()));
  if (auto done = write_all(fd, text, path); !done) return std::unexpected(std::move(done.error()));
  return made;
}

Result<void> AtomicReplacement::create() {
  static constexpr int tries = 1000;
  for (int i = 0; i < tries; ++i) {
    std::string candidate = next_temporary_name();
    // Nobody else may read it before it has the old file's owner and mode.
    fd_ = FileDescriptor(::openat(folder_->fd.get(), candidate.c_str(),
                                  O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (fd_) {
      temporary_ = std::move(candidate);
      return {};
    }
    if (errno != EEXIST) break;
  }
  return std::unexpected(file_error(errno, "make a new file beside it", folder_->path / name_));
}

AtomicReplacement::AtomicReplacement(AtomicReplacement&& other) noexcept
    : folder_(other.folder_),
      name_(std::move(other.name_)),
      temporary_(std::exchange(other.temporary_, {})),
      fd_(std::move(other.fd_)),
      made_(other.made_),
      device_(other.device_) {}

AtomicReplacement::~AtomicReplacement() {
  if (!temporary_.empty()) ::unlinkat(folder_->fd.get(), temporary_.c_str(), 0);
}

Result<void> AtomicReplacement::flush() {
  if (::fsync(fd_.get()) == 0) return {};
  return std::unexpected(file_error(errno, "bring the new envelope to the disk", folder_->path / name_));
}

Result<void> AtomicReplacement::commit() {
  int const folder = folder_->fd.get();
  if (::renameat(folder, temporary_.c_str(), folder, name_.c_str()) != 0) {
    return std::unexpected(file_error(errno, "put the new envelope in place", folder_->path / name_));
  }
  temporary_.clear();
  return {};
}

Result<void> flush_folder(Folder const& folder) {
  if (::fsync(folder.fd.get()) == 0) return {};
  Error error = file_error(errno, "bring the folder's names to the disk", folder.path);
  error.delivery = Delivery::maybe_applied;
  return std::unexpected(std::move(error));
}

}  // namespace rekeyd::providers
