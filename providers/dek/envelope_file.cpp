#include "providers/dek/envelope_file.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <optional>
#include <system_error>
#include <utility>

#include <fcntl.h>

namespace rekeyd::providers {
namespace {

FileStamp stamp(timespec const& moment) { return {moment.tv_sec, moment.tv_nsec}; }

std::string remedy_of(int error_number, std::filesystem::path const& path) {
  switch (error_number) {
    case ENOENT:
      return "it was removed or is not mounted: put it back, or take it out of rekeyd.yaml";
    case ENOSPC:
    case EDQUOT:
      return fmt::format("make room on the file system of {}: the old file is whole", path.native());
    case EROFS:
      return fmt::format(
          "let rekeyd write there: mount it read-write, and list it in ReadWritePaths= of the unit ({})",
          path.native());
    case EACCES:
    case EPERM:
      return fmt::format("let the user that rekeyd runs as read the file and write in its folder ({})",
                         path.native());
    case ELOOP:
      return "rekeyd follows no symbolic link below the store's folder: put the file itself there";
    case ENOTDIR:
      return "expected a folder there";
    case EMFILE:
    case ENFILE:
      return "raise LimitNOFILE= of the unit";
    case EIO:
      return "the disk failed: see the kernel's log";
    default:
      return "see the file and its folder";
  }
}

/// `size`: of the file as it was found. Reading ends there (of a file without
/// one, at its end); whether that was all is for its status to tell.
Result<std::string> read_to_end(int fd, std::size_t size, std::size_t bytes_max,
                                std::filesystem::path const& path) {
  std::string text;
  std::array<char, 16384> chunk;
  while (size == 0 || text.size() < size) {
    ssize_t const got = ::read(fd, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(file_error(errno, "read", path));
    if (got == 0) return text;
    text.append(chunk.data(), static_cast<std::size_t>(got));
    if (text.size() > bytes_max) {
      return std::unexpected(file_refusal(
          ErrorClass::storage, fmt::format("larger than {} bytes, the most an envelope may have", bytes_max),
          path, "move it elsewhere: it cannot be a wrapped DEK"));
    }
  }
  return text;
}

Result<FileText> read_once(Folder const& folder, std::string const& name, std::size_t bytes_max) {
  std::filesystem::path const path = folder.path / name;
  FileText file;
  // Not blocking: a named pipe that took the file's place would hold the daemon up for ever.
  file.fd =
      FileDescriptor(::openat(folder.fd.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file.fd) return std::unexpected(file_error(errno, "open", path));
  if (::fstat(file.fd.get(), &file.status) != 0) return std::unexpected(file_error(errno, "look at", path));
  if (!S_ISREG(file.status.st_mode)) {
    return std::unexpected(
        file_refusal(ErrorClass::storage, "not a regular file", path, "put the file itself there"));
  }
  auto const size = static_cast<std::size_t>(file.status.st_size);
  Result<std::string> text = read_to_end(file.fd.get(), size, bytes_max, path);
  if (!text) return std::unexpected(std::move(text.error()));
  file.text = std::move(*text);
  file.identity = identity_of(file.status);
  return file;
}

}  // namespace

bool is_printable_name(std::string_view name) {
  bool const controls =
      std::ranges::any_of(name, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
  boost::system::error_code error;
  boost::json::parse(boost::json::serialize(boost::json::value(boost::json::string_view(name))), error);
  return !controls && !error;
}

std::string printable(std::string_view name) {
  if (is_printable_name(name)) return std::string(name);
  std::string text;
  for (char const c : name) {
    auto const byte = static_cast<unsigned char>(c);
    if (byte >= 0x20U && byte < 0x7FU)
      text += c;
    else
      text += fmt::format("\\x{:02x}", byte);
  }
  return text;
}

FileIdentity identity_of(struct stat const& status) {
  return {.device = status.st_dev,
          .inode = status.st_ino,
          .size = status.st_size,
          .modified = stamp(status.st_mtim),
          .changed = stamp(status.st_ctim)};
}

Error file_error(int error_number, std::string_view action, std::filesystem::path const& path) {
  bool const gone = error_number == ENOENT;
  Error error;
  error.error_class = gone ? ErrorClass::not_found : ErrorClass::storage;
  error.what = fmt::format("cannot {}: {}", action, std::generic_category().message(error_number));
  error.where = printable(path.native());
  error.remedy = remedy_of(error_number, path);
  return error;
}

Error file_refusal(ErrorClass error_class, std::string what, std::filesystem::path const& path,
                   std::string remedy) {
  Error error;
  error.error_class = error_class;
  error.what = std::move(what);
  error.where = printable(path.native());
  error.remedy = std::move(remedy);
  return error;
}

Result<Folder> open_root(std::filesystem::path const& root) {
  Folder folder{.fd = FileDescriptor(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)), .path = root};
  if (!folder.fd) return std::unexpected(file_error(errno, "open the folder", root));
  return folder;
}

Result<Folder> open_folder(Folder const& parent, std::string const& name) {
  int const flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  Folder folder{.fd = FileDescriptor(::openat(parent.fd.get(), name.c_str(), flags)),
                .path = parent.path / name};
  if (!folder.fd) return std::unexpected(file_error(errno, "open the folder", folder.path));
  return folder;
}

Result<Folder> open_folder_of(Folder const& root, std::filesystem::path const& relative) {
  Folder here{.fd = FileDescriptor(::fcntl(root.fd.get(), F_DUPFD_CLOEXEC, 0)), .path = root.path};
  if (!here.fd) return std::unexpected(file_error(errno, "open the folder", root.path));
  for (std::filesystem::path const& part : relative.parent_path()) {
    bool const leaves = part == ".." || part.is_absolute();
    if (leaves)
      return std::unexpected(file_refusal(ErrorClass::storage, "leads out of the store's folder", relative,
                                          "see who made this id"));
    Result<Folder> next = open_folder(here, part.native());
    if (!next) return next;
    here = std::move(*next);
  }
  return here;
}

Result<FileText> read_file(Folder const& folder, std::string const& name, std::size_t bytes_max) {
  static constexpr int tries = 3;
  for (int i = 0; i < tries; ++i) {
    Result<FileText> file = read_once(folder, name, bytes_max);
    if (!file) return file;
    struct stat after{};
    if (::fstat(file->fd.get(), &after) != 0)
      return std::unexpected(file_error(errno, "look at", folder.path / name));
    if (identity_of(after) == file->identity) return file;
  }
  return std::unexpected(
      file_refusal(ErrorClass::conflict, "is being written to by somebody else", folder.path / name,
                   "nothing: it is read again later; an application should write a new file and rename it"));
}

}  // namespace rekeyd::providers
