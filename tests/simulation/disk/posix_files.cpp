#include "tests/simulation/disk/posix_files.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <unistd.h>

namespace rekeyd::simulation {
namespace {

int answer(int error) {
  if (error == 0) return 0;
  errno = error;
  return -1;
}

timespec moment(std::uint64_t change) { return {.tv_sec = static_cast<time_t>(change), .tv_nsec = 0}; }

/// Any number that is no real device's.
constexpr dev_t device = 0x51D;

void fill(struct stat* out, SimulatedDisk const& disk, std::uint64_t number, mode_t mode) {
  *out = {};
  out->st_dev = device;
  out->st_ino = number;
  out->st_mode = mode;
  out->st_nlink = 1;
  out->st_mtim = out->st_ctim = moment(disk.changed(number));
}

int describe(SimulatedDisk const& disk, DiskFile const& file, struct stat* out) {
  if (int const error = disk.readable()) return answer(error);
  fill(out, disk, file.number(), S_IFREG | file.attributes().mode);
  out->st_uid = file.attributes().owner;
  out->st_gid = file.attributes().group;
  out->st_size = static_cast<off_t>(file.bytes().size());
  return 0;
}

int describe(SimulatedDisk& disk, std::filesystem::path const& path, DiskFile const* file, struct stat* out) {
  if (file != nullptr) return describe(disk, *file, out);
  if (int const error = disk.readable()) return answer(error);
  DiskFolder const* const folder = disk.folder(path);
  if (folder == nullptr) return answer(ENOENT);
  fill(out, disk, folder->number(), S_IFDIR | 0755);
  out->st_uid = ::geteuid();
  out->st_gid = ::getegid();
  return 0;
}

}  // namespace

PosixFiles& PosixFiles::instance() {
  static PosixFiles all;
  return all;
}

OpenFile* PosixFiles::find(int descriptor) {
  auto const found = open_.find(descriptor);
  SimulatedDisk const* const disk = found == open_.end() ? nullptr : SimulatedDisk::of(found->second.path);
  if (disk != nullptr && disk->life() == found->second.life) return &found->second;
  errno = EBADF;
  return nullptr;
}

std::filesystem::path PosixFiles::path_at(int folder, char const* name) {
  OpenFile const* const in = find(folder);
  if (in == nullptr) return {};
  return std::string_view(name) == "." ? in->path : in->path / name;
}

int PosixFiles::open(std::filesystem::path const& path, int flags, mode_t mode) {
  SimulatedDisk& disk = *SimulatedDisk::of(path);
  if (int const error = disk.readable()) return answer(error);
  OpenFile opened{.path = path, .life = disk.life(), .may_write = (flags & O_ACCMODE) != O_RDONLY};
  if (disk.folder(path) == nullptr) {
    DiskFolder* const in = disk.folder(path.parent_path());
    if (in == nullptr) return answer(ENOENT);
    opened.file = disk.file(path);
    if (opened.file && (flags & O_DIRECTORY) != 0) return answer(ENOTDIR);
    if (opened.file && (flags & O_CREAT) != 0 && (flags & O_EXCL) != 0) return answer(EEXIST);
    if (!opened.file && (flags & O_CREAT) == 0) return answer(ENOENT);
    if (!opened.file) {
      if (int const error = disk.create(*in, path.filename().native(), mode, opened.file))
        return answer(error);
    } else if ((flags & O_TRUNC) != 0) {
      if (int const error = disk.truncate(*opened.file, 0)) return answer(error);
    }
  } else if (opened.may_write) {
    return answer(EISDIR);
  }
  open_.emplace(next_, std::move(opened));
  return next_++;
}

int PosixFiles::open_at(int folder, char const* name, int flags, mode_t mode) {
  auto const path = path_at(folder, name);
  return path.empty() ? -1 : open(path, flags, mode);
}

int PosixFiles::duplicate(int descriptor) {
  OpenFile const* const file = find(descriptor);
  if (file == nullptr) return -1;
  open_.emplace(next_, *file);
  return next_++;
}

int PosixFiles::close(int descriptor) {
  bool const there = find(descriptor) != nullptr;
  open_.erase(descriptor);
  return there ? 0 : -1;
}

ssize_t PosixFiles::read(int descriptor, void* out, std::size_t size) {
  OpenFile* const file = find(descriptor);
  if (file == nullptr) return -1;
  ssize_t const got = read_at(descriptor, out, size, static_cast<off_t>(file->position));
  if (got > 0) file->position += static_cast<std::uint64_t>(got);
  return got;
}

ssize_t PosixFiles::read_at(int descriptor, void* out, std::size_t size, off_t offset) {
  OpenFile const* const file = find(descriptor);
  if (file == nullptr) return -1;
  if (!file->file) return answer(EISDIR);
  if (int const error = SimulatedDisk::of(file->path)->readable()) return answer(error);
  std::string const& bytes = file->file->bytes();
  auto const from = std::min(static_cast<std::size_t>(offset), bytes.size());
  std::size_t const got = std::min(size, bytes.size() - from);
  std::memcpy(out, bytes.data() + from, got);
  return static_cast<ssize_t>(got);
}

ssize_t PosixFiles::write(int descriptor, void const* bytes, std::size_t size) {
  OpenFile* const file = find(descriptor);
  if (file == nullptr) return -1;
  ssize_t const written = write_at(descriptor, bytes, size, static_cast<off_t>(file->position));
  if (written > 0) file->position += static_cast<std::uint64_t>(written);
  return written;
}

ssize_t PosixFiles::write_at(int descriptor, void const* bytes, std::size_t size, off_t offset) {
  OpenFile const* const file = find(descriptor);
  if (file == nullptr) return -1;
  if (!file->file || !file->may_write) return answer(EBADF);
  std::string_view const text(static_cast<char const*>(bytes), size);
  int const error =
      SimulatedDisk::of(file->path)->write(*file->file, static_cast<std::uint64_t>(offset), text);
  return error == 0 ? static_cast<ssize_t>(size) : answer(error);
}

int PosixFiles::sync(int descriptor) {
  OpenFile const* const file = find(descriptor);
  if (file == nullptr) return -1;
  SimulatedDisk& disk = *SimulatedDisk::of(file->path);
  if (!file->file) return answer(disk.sync(*disk.folder(file->path)));
  return disk.fsync_left_out() ? answer(disk.readable()) : answer(disk.sync(*file->file));
}

int PosixFiles::sync_all(int descriptor) {
  OpenFile const* const file = find(descriptor);
  if (file == nullptr) return -1;
  SimulatedDisk& disk = *SimulatedDisk::of(file->path);
  return disk.fsync_left_out() ? answer(disk.readable()) : answer(disk.sync_all());
}

int PosixFiles::file_system(int descriptor, struct statfs* out) {
  if (find(descriptor) == nullptr) return -1;
  *out = {};
  out->f_type = EXT4_SUPER_MAGIC;
  return 0;
}

int PosixFiles::truncate(int descriptor, off_t size) {
  OpenFile const* const file = find(descriptor);
  if (file == nullptr) return -1;
  if (!file->file || !file->may_write) return answer(EINVAL);
  return answer(SimulatedDisk::of(file->path)->truncate(*file->file, static_cast<std::uint64_t>(size)));
}

int PosixFiles::status(std::filesystem::path const& path, struct stat* out) {
  SimulatedDisk& disk = *SimulatedDisk::of(path);
  return describe(disk, path, disk.file(path).get(), out);
}

int PosixFiles::status(int descriptor, struct stat* out) {
  OpenFile const* const file = find(descriptor);
  if (file == nullptr) return -1;
  return describe(*SimulatedDisk::of(file->path), file->path, file->file.get(), out);
}

int PosixFiles::status_at(int folder, char const* name, struct stat* out) {
  OpenFile const* const in = find(folder);
  if (in == nullptr) return -1;
  // An envelope store looks at each of its files before each of its steps: without making a path of it.
  SimulatedDisk& disk = *SimulatedDisk::of(in->path);
  DiskFolder const* const names = in->file ? nullptr : disk.folder(in->path);
  auto const file = names == nullptr ? nullptr : names->find(name);
  return file ? describe(disk, *file, out) : status(path_at(folder, name), out);
}

int PosixFiles::change(std::filesystem::path const& path, std::shared_ptr<DiskFile> const& file,
                       DiskFile::Attributes attributes) {
  return answer(SimulatedDisk::of(path)->set_attributes(*file, attributes));
}

int PosixFiles::change_mode(std::filesystem::path const& path, mode_t mode) {
  auto const file = SimulatedDisk::of(path)->file(path);
  if (!file) return answer(ENOENT);
  return change(path, file, {mode, file->attributes().owner, file->attributes().group});
}

int PosixFiles::change_mode(int descriptor, mode_t mode) {
  OpenFile const* const file = find(descriptor);
  if (file == nullptr) return -1;
  if (!file->file) return answer(EPERM);
  return change(file->path, file->file,
                {mode, file->file->attributes().owner, file->file->attributes().group});
}

int PosixFiles::change_owner(std::filesystem::path const& path, uid_t owner, gid_t group) {
  auto const file = SimulatedDisk::of(path)->file(path);
  if (!file) return answer(ENOENT);
  DiskFile::Attributes now = file->attributes();
  if (owner != static_cast<uid_t>(-1)) now.owner = owner;
  if (group != static_cast<gid_t>(-1)) now.group = group;
  return change(path, file, now);
}

int PosixFiles::change_owner(int descriptor, uid_t owner, gid_t group) {
  OpenFile const* const file = find(descriptor);
  return file == nullptr ? -1 : change_owner(file->path, owner, group);
}

int PosixFiles::exists(std::filesystem::path const& path) {
  struct stat unused{};
  return status(path, &unused);
}

int PosixFiles::lock(int descriptor, int operation) {
  OpenFile* const file = find(descriptor);
  if (file == nullptr) return -1;
  SimulatedDisk::of(file->path)->touch_lock();
  if (int const error = SimulatedDisk::of(file->path)->readable()) return answer(error);
  bool const wanted = (operation & LOCK_UN) == 0;
  bool const taken = std::ranges::any_of(open_, [&](auto const& entry) {
    OpenFile const& other = entry.second;
    return &other != file && other.locked && other.file == file->file && other.life == file->life;
  });
  // Whoever waits would wait for ever: there is one thread.
  if (wanted && taken) return answer(EWOULDBLOCK);
  file->locked = wanted;
  return 0;
}

int PosixFiles::rename(std::filesystem::path const& from, std::filesystem::path const& to) {
  SimulatedDisk& disk = *SimulatedDisk::of(from);
  if (from.parent_path() != to.parent_path()) return answer(EXDEV);
  DiskFolder* const in = disk.folder(from.parent_path());
  if (in == nullptr) return answer(ENOENT);
  return answer(disk.rename(*in, from.filename().native(), to.filename().native()));
}

int PosixFiles::rename_at(int folder, char const* from, int to_folder, char const* to) {
  auto const source = path_at(folder, from);
  auto const target = path_at(to_folder, to);
  return source.empty() || target.empty() ? -1 : rename(source, target);
}

int PosixFiles::remove(std::filesystem::path const& path) {
  SimulatedDisk& disk = *SimulatedDisk::of(path);
  DiskFolder* const in = disk.folder(path.parent_path());
  return answer(in == nullptr ? ENOENT : disk.remove(*in, path.filename().native()));
}

int PosixFiles::remove_at(int folder, char const* name) {
  auto const path = path_at(folder, name);
  return path.empty() ? -1 : remove(path);
}

DIR* PosixFiles::open_stream(int descriptor) {
  OpenFile const* const file = find(descriptor);
  if (file == nullptr) return nullptr;
  DiskFolder const* const folder = file->file ? nullptr : SimulatedDisk::of(file->path)->folder(file->path);
  if (folder == nullptr) {
    errno = ENOTDIR;
    return nullptr;
  }
  auto stream = std::make_unique<FolderStream>();
  stream->descriptor = descriptor;
  for (auto const& name : folder->folders) stream->entries.emplace_back(name, DT_DIR);
  for (auto const& [name, unused] : folder->names()) stream->entries.emplace_back(name, DT_REG);
  void* const handle = stream.get();
  streams_.emplace(handle, std::move(stream));
  return static_cast<DIR*>(handle);
}

bool PosixFiles::is_ours(DIR* stream) const { return !streams_.empty() && streams_.contains(stream); }

dirent* PosixFiles::next_entry(DIR* handle) {
  FolderStream& stream = *streams_.at(handle);
  OpenFile const* const folder = find(stream.descriptor);
  if (folder == nullptr) return nullptr;
  if (int const error = SimulatedDisk::of(folder->path)->readable()) {
    errno = error;
    return nullptr;
  }
  if (stream.next == stream.entries.size()) return nullptr;
  auto const& [name, type] = stream.entries[stream.next++];
  stream.entry = {};
  stream.entry.d_type = type;
  name.copy(stream.entry.d_name, sizeof(stream.entry.d_name) - 1);
  return &stream.entry;
}

int PosixFiles::close_stream(DIR* handle) {
  int const descriptor = streams_.at(handle)->descriptor;
  streams_.erase(handle);
  return close(descriptor);
}

}  // namespace rekeyd::simulation
