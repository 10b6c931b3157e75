#pragma once
#include "policy/error.hpp"
#include "policy/names.hpp"
#include "providers/dek/dek_store.hpp"
#include "providers/dek/envelope_file.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rekeyd::providers {

/// Which envelope files of a folder and its sub-folders hold a DEK of which root key.
///
/// Kept between readings, so that a rotation's work is a look at each file's status and a parse of those that
/// changed. What is not looked at: dot-files, folders that begin with a dot, lost+found, names that do not
/// end in .json, what is neither file nor folder. Symbolic links are not followed; one that leads out of the
/// root is a defect, because a DEK behind it would be missed.
///
/// Trust in time stamps: a file is not parsed again, and a folder not listed again, while its identity stays
/// the same, *unless* its ctime was not older than the newest ctime that had been seen on that file system
/// when it was read. A change in the very same tick of the file system's clock would leave no trace, but a
/// file older than something already seen cannot be changed in its own tick any more. No clock of ours takes
/// part, so a file server's clock may differ from it.
class EnvelopeIndex {
 public:
  explicit EnvelopeIndex(std::filesystem::path root) : root_(std::move(root)) {}

  /// Brings the index up to date. After an error (a folder that cannot be listed) what was known of the
  /// unreadable part is kept, and the rest is up to date. Removes what crashed replacements left.
  Result<void> refresh();

  /// Paths, relative to the root, of at most `limit` files of `key` that come after `after`, in path order.
  std::vector<std::string> files_of(KeyRef const& key, std::string const& after, std::size_t limit) const;

  /// Of each folder that holds files of `key`, the path of one.
  std::vector<std::string> one_of_each_folder(KeyRef const& key) const;

  /// How many files of `key` hold a DEK that is not on `version`, as they were when last read.
  std::size_t count_not_on(KeyRef const& key, VersionId const& version) const;

  /// What is wrong, by path; the folders that the last refresh could not read included.
  std::vector<DekDefect> defects() const;

  std::size_t files_parsed() const { return files_parsed_; }      ///< Since the index was made.
  std::size_t folders_listed() const { return folders_listed_; }  ///< Since the index was made.

 private:
  struct File {
    FileIdentity identity;
    bool settled{};     ///< Its identity can be trusted to show the next change.
    std::string group;  ///< The key it belongs to (see group_of); empty for a defect.
    VersionId version;
    DekDefect defect;  ///< Empty when there is nothing to say.
    std::uint64_t seen{};
  };
  /// A name in a folder, and what its file was found to be; null until read, and after it went.
  struct Entry {
    std::string name;
    File* file{};
  };
  struct Listing {
    FileIdentity identity;
    bool settled{};
    std::vector<Entry> files;
    std::vector<std::string> folders;
    std::vector<std::string> links;
    std::uint64_t seen{};
  };
  using Files = std::map<std::string, File, std::less<>>;

  void visit(Folder const& folder, std::string const& prefix, int depth);
  Listing* listing(Folder const& folder, std::string const& prefix);
  bool list(Folder const& folder, Listing& listing);
  void visit_file(Folder const& folder, std::string const& prefix, Entry& entry);
  void visit_folder(Folder const& folder, std::string const& prefix, std::string const& name, int depth);
  void visit_link(Folder const& folder, std::string const& prefix, std::string const& name);
  File* read(Folder const& folder, std::string const& path, std::string const& name);
  File* put(std::string const& path, File file);
  void unlist(Files::iterator file);
  void sweep();
  void fail(Error error);
  bool older_than_newest(FileIdentity const& identity);
  Result<void> check_same_root(Folder const& root);

  std::filesystem::path root_;
  std::optional<FileIdentity> root_identity_;
  Files files_;
  /// The files of each key, by path: views of what is in files_.
  std::map<std::string, std::map<std::string_view, File const*>, std::less<>> by_group_;
  std::map<std::string, Listing, std::less<>> listings_;  ///< By folder: "" or "a/b/".
  std::map<std::string, DekDefect> defects_;              ///< Files and links, by path.
  std::map<dev_t, FileStamp> newest_;                     ///< Newest ctime seen, by file system.
  std::vector<Error> errors_;                             ///< Of the last refresh.
  std::uint64_t generation_{0};
  std::size_t files_parsed_{0};
  std::size_t folders_listed_{0};
};

}  // namespace rekeyd::providers
