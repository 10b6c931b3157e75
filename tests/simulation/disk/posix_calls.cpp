// What the linker puts in the place of the system's calls (--wrap): below a simulated disk's root they go to
// that disk, all others to the system. __real_X is the call itself.
#include "tests/simulation/disk/posix_files.hpp"

#include <cerrno>
#include <cstdarg>

#include <fcntl.h>
#include <sys/statfs.h>
#include <unistd.h>

using rekeyd::simulation::PosixFiles;
using rekeyd::simulation::SimulatedDisk;

namespace {

PosixFiles& files() { return PosixFiles::instance(); }
bool is_ours(char const* path) {
  return path != nullptr && path[0] == '/' && SimulatedDisk::of(std::string_view(path)) != nullptr;
}
bool is_ours(int descriptor) { return PosixFiles::is_ours(descriptor); }

}  // namespace

// The names are the linker's.
// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" {

int __real_open(char const* path, int flags, ...);
int __wrap_open(char const* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  auto const mode = static_cast<mode_t>((flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, unsigned) : 0U);
  va_end(rest);
  return is_ours(path) ? files().open(path, flags, mode) : __real_open(path, flags, mode);
}

int __real_openat(int folder, char const* path, int flags, ...);
int __wrap_openat(int folder, char const* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  auto const mode = static_cast<mode_t>((flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, unsigned) : 0U);
  va_end(rest);
  if (is_ours(path)) return files().open(path, flags, mode);
  return is_ours(folder) ? files().open_at(folder, path, flags, mode)
                         : __real_openat(folder, path, flags, mode);
}

int __real_close(int descriptor);
int __wrap_close(int descriptor) {
  return is_ours(descriptor) ? files().close(descriptor) : __real_close(descriptor);
}

ssize_t __real_read(int descriptor, void* out, size_t size);
ssize_t __wrap_read(int descriptor, void* out, size_t size) {
  return is_ours(descriptor) ? files().read(descriptor, out, size) : __real_read(descriptor, out, size);
}

ssize_t __real_write(int descriptor, void const* bytes, size_t size);
ssize_t __wrap_write(int descriptor, void const* bytes, size_t size) {
  return is_ours(descriptor) ? files().write(descriptor, bytes, size) : __real_write(descriptor, bytes, size);
}

ssize_t __real_pread(int descriptor, void* out, size_t size, off_t offset);
ssize_t __wrap_pread(int descriptor, void* out, size_t size, off_t offset) {
  return is_ours(descriptor) ? files().read_at(descriptor, out, size, offset)
                             : __real_pread(descriptor, out, size, offset);
}

ssize_t __real_pwrite(int descriptor, void const* bytes, size_t size, off_t offset);
ssize_t __wrap_pwrite(int descriptor, void const* bytes, size_t size, off_t offset) {
  return is_ours(descriptor) ? files().write_at(descriptor, bytes, size, offset)
                             : __real_pwrite(descriptor, bytes, size, offset);
}

int __real_fsync(int descriptor);
int __wrap_fsync(int descriptor) {
  return is_ours(descriptor) ? files().sync(descriptor) : __real_fsync(descriptor);
}

int __real_fdatasync(int descriptor);
int __wrap_fdatasync(int descriptor) {
  return is_ours(descriptor) ? files().sync(descriptor) : __real_fdatasync(descriptor);
}

int __real_syncfs(int descriptor);
int __wrap_syncfs(int descriptor) {
  return is_ours(descriptor) ? files().sync_all(descriptor) : __real_syncfs(descriptor);
}

int __real_fstatfs(int descriptor, struct statfs* out);
int __wrap_fstatfs(int descriptor, struct statfs* out) {
  return is_ours(descriptor) ? files().file_system(descriptor, out) : __real_fstatfs(descriptor, out);
}

int __real_ftruncate(int descriptor, off_t size);
int __wrap_ftruncate(int descriptor, off_t size) {
  return is_ours(descriptor) ? files().truncate(descriptor, size) : __real_ftruncate(descriptor, size);
}

int __real_stat(char const* path, struct stat* out);
int __wrap_stat(char const* path, struct stat* out) {
  return is_ours(path) ? files().status(path, out) : __real_stat(path, out);
}

int __real_lstat(char const* path, struct stat* out);
int __wrap_lstat(char const* path, struct stat* out) {
  return is_ours(path) ? files().status(path, out) : __real_lstat(path, out);
}

int __real_fstat(int descriptor, struct stat* out);
int __wrap_fstat(int descriptor, struct stat* out) {
  return is_ours(descriptor) ? files().status(descriptor, out) : __real_fstat(descriptor, out);
}

int __real_fstatat(int folder, char const* path, struct stat* out, int flags);
int __wrap_fstatat(int folder, char const* path, struct stat* out, int flags) {
  if (is_ours(path)) return files().status(path, out);
  return is_ours(folder) ? files().status_at(folder, path, out) : __real_fstatat(folder, path, out, flags);
}

int __real_chmod(char const* path, mode_t mode);
int __wrap_chmod(char const* path, mode_t mode) {
  return is_ours(path) ? files().change_mode(path, mode) : __real_chmod(path, mode);
}

int __real_fchmod(int descriptor, mode_t mode);
int __wrap_fchmod(int descriptor, mode_t mode) {
  return is_ours(descriptor) ? files().change_mode(descriptor, mode) : __real_fchmod(descriptor, mode);
}

int __real_chown(char const* path, uid_t owner, gid_t group);
int __wrap_chown(char const* path, uid_t owner, gid_t group) {
  return is_ours(path) ? files().change_owner(path, owner, group) : __real_chown(path, owner, group);
}

int __real_fchown(int descriptor, uid_t owner, gid_t group);
int __wrap_fchown(int descriptor, uid_t owner, gid_t group) {
  return is_ours(descriptor) ? files().change_owner(descriptor, owner, group)
                             : __real_fchown(descriptor, owner, group);
}

int __real_access(char const* path, int mode);
int __wrap_access(char const* path, int mode) {
  return is_ours(path) ? files().exists(path) : __real_access(path, mode);
}

int __real_flock(int descriptor, int operation);
int __wrap_flock(int descriptor, int operation) {
  return is_ours(descriptor) ? files().lock(descriptor, operation) : __real_flock(descriptor, operation);
}

int __real_fcntl(int descriptor, int command, ...);
int __wrap_fcntl(int descriptor, int command, ...) {
  va_list rest;
  va_start(rest, command);
  long const argument = va_arg(rest, long);
  va_end(rest);
  if (!is_ours(descriptor)) return __real_fcntl(descriptor, command, argument);
  if (command == F_DUPFD || command == F_DUPFD_CLOEXEC) return files().duplicate(descriptor);
  errno = EINVAL;
  return -1;
}

int __real_rename(char const* from, char const* to);
int __wrap_rename(char const* from, char const* to) {
  return is_ours(from) ? files().rename(from, to) : __real_rename(from, to);
}

int __real_renameat(int from_folder, char const* from, int to_folder, char const* to);
int __wrap_renameat(int from_folder, char const* from, int to_folder, char const* to) {
  return is_ours(from_folder) ? files().rename_at(from_folder, from, to_folder, to)
                              : __real_renameat(from_folder, from, to_folder, to);
}

int __real_unlink(char const* path);
int __wrap_unlink(char const* path) { return is_ours(path) ? files().remove(path) : __real_unlink(path); }

int __real_unlinkat(int folder, char const* path, int flags);
int __wrap_unlinkat(int folder, char const* path, int flags) {
  return is_ours(folder) ? files().remove_at(folder, path) : __real_unlinkat(folder, path, flags);
}

DIR* __real_fdopendir(int descriptor);
DIR* __wrap_fdopendir(int descriptor) {
  return is_ours(descriptor) ? files().open_stream(descriptor) : __real_fdopendir(descriptor);
}

dirent* __real_readdir(DIR* stream);
dirent* __wrap_readdir(DIR* stream) {
  return files().is_ours(stream) ? files().next_entry(stream) : __real_readdir(stream);
}

int __real_closedir(DIR* stream);
int __wrap_closedir(DIR* stream) {
  return files().is_ours(stream) ? files().close_stream(stream) : __real_closedir(stream);
}

ssize_t __real_fgetxattr(int descriptor, char const* name, void* out, size_t size);
ssize_t __wrap_fgetxattr(int descriptor, char const* name, void* out, size_t size) {
  if (!is_ours(descriptor)) return __real_fgetxattr(descriptor, name, out, size);
  errno = ENODATA;
  return -1;
}

ssize_t __real_flistxattr(int descriptor, char* out, size_t size);
ssize_t __wrap_flistxattr(int descriptor, char* out, size_t size) {
  return is_ours(descriptor) ? 0 : __real_flistxattr(descriptor, out, size);
}

int __real_fsetxattr(int descriptor, char const* name, void const* value, size_t size, int flags);
int __wrap_fsetxattr(int descriptor, char const* name, void const* value, size_t size, int flags) {
  if (!is_ours(descriptor)) return __real_fsetxattr(descriptor, name, value, size, flags);
  errno = ENOTSUP;
  return -1;
}

int __real_fremovexattr(int descriptor, char const* name);
int __wrap_fremovexattr(int descriptor, char const* name) {
  if (!is_ours(descriptor)) return __real_fremovexattr(descriptor, name);
  errno = ENODATA;
  return -1;
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier)
