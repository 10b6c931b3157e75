#pragma once
#include "policy/error.hpp"

#include <filesystem>
#include <string>

/// Whole database files, made, moved and brought to the disk. Throws Refusal and SQLite::Exception.
namespace rekeyd::storage {

/// A file that is being made and is taken away unless kept: it and what SQLite puts beside it.
class FileInTheMaking {
 public:
  /// Makes it empty, mode 0600; refuses a file that is there.
  explicit FileInTheMaking(std::filesystem::path path);
  FileInTheMaking(FileInTheMaking const&) = delete;
  FileInTheMaking& operator=(FileInTheMaking const&) = delete;
  ~FileInTheMaking();
  std::filesystem::path const& path() const { return path_; }
  void keep() { kept_ = true; }

 private:
  std::filesystem::path path_;
  bool kept_{false};
};

/// Copies one moment of the database `from` into the empty file `to`, in rollback mode: complete without side
/// files. On the disk when it returns.
void copy_database(std::filesystem::path const& from, std::filesystem::path const& to);

/// Brings a file's content, and a folder's names, to the disk.
void sync_file(std::filesystem::path const& file);
void sync_folder_of(std::filesystem::path const& file);

/// Throws a Refusal with the system's words for `code`, an errno.
[[noreturn]] void refuse_file(std::string const& doing, std::filesystem::path const& path, int code);

}  // namespace rekeyd::storage
