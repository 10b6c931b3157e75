#pragma once
#include "policy/error.hpp"
#include "providers/dek/file_descriptor.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include <sys/stat.h>

/// Files and folders below a store's root, reached without following a symbolic link anywhere below it.
namespace rekeyd::providers {

/// A moment as a file system records it. Its clock is its own (a file server's, say): such moments are
/// compared only with each other and only within one file system.
struct FileStamp {
  std::int64_t seconds{};
  std::int64_t nanoseconds{};
  auto operator<=>(FileStamp const&) const = default;
};

/// What changes whenever a file's or folder's content does.
struct FileIdentity {
  dev_t device{};
  ino_t inode{};
  off_t size{};
  FileStamp modified;
  FileStamp changed;  ///< ctime: nobody can set it, so it decides how young a reading was.
  bool operator==(FileIdentity const&) const = default;
};
FileIdentity identity_of(struct stat const& status);

/// A folder that is open, and its path for messages.
struct Folder {
  FileDescriptor fd;
  std::filesystem::path path;
};

/// The store's root; itself it may be reached through symbolic links.
Result<Folder> open_root(std::filesystem::path const& root);
/// The folder `name`, one component, in `parent`.
Result<Folder> open_folder(Folder const& parent, std::string const& name);
/// The folder that holds `relative`, which has to stay below `root`: no "..", no absolute path.
Result<Folder> open_folder_of(Folder const& root, std::filesystem::path const& relative);

/// A regular file's whole text, with what it was when it was read.
struct FileText {
  std::string text;
  FileIdentity identity;
  struct stat status{};
  FileDescriptor fd;  ///< Still open for reading: its attributes can be copied.
};

/// Reads the regular file `name`. Reads again when it is changed meanwhile; larger than `bytes_max`, not a
/// regular file, or never at rest: an error.
Result<FileText> read_file(Folder const& folder, std::string const& name, std::size_t bytes_max);

/// A path goes into a database, a log, a JSON answer and a terminal: is it UTF-8 without control characters?
bool is_printable_name(std::string_view name);
/// The name itself if it is printable, else with everything but ASCII written as \xNN.
std::string printable(std::string_view name);

/// The error of a system call: "cannot ACTION: REASON", and what a person can do about it. Class not_found if
/// it is gone, else storage. By its nature nothing was changed (Delivery::refused).
Error file_error(int error_number, std::string_view action, std::filesystem::path const& path);

/// An error that no system call reported: what is there is not what we may touch.
Error file_refusal(ErrorClass error_class, std::string what, std::filesystem::path const& path,
                   std::string remedy);

}  // namespace rekeyd::providers
