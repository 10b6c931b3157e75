#pragma once
#include "providers/system/random.hpp"
#include "tests/simulation/disk/disk_file.hpp"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace rekeyd::simulation {

/// The names of one folder on a disk that may lose power. A name and what it stands for are safe only after
/// the folder itself has been synced; a rename is one change, so that a name always stands for the old file
/// or for the new one.
class DiskFolder {
 public:
  using Names = std::map<std::string, std::shared_ptr<DiskFile>>;

  explicit DiskFolder(std::uint64_t number) : number_(number) {}

  std::uint64_t number() const { return number_; }
  Names const& names() const { return names_; }
  std::shared_ptr<DiskFile> find(std::string const& name) const;
  /// Grows with every change of a name.
  std::uint64_t changes() const { return changes_; }

  void put(std::string const& name, std::shared_ptr<DiskFile> file);
  void remove(std::string const& name);
  void rename(std::string const& from, std::string const& to);

  void sync();
  /// Of the changes that are not safe, `chance` keeps none, all, the first few, or any of them.
  void lose_power(providers::Random& chance);

  std::set<std::string> folders;  ///< Names of folders in this one; always safe.

 private:
  struct Change {
    std::string removed;  ///< Empty: none.
    std::string named;    ///< Empty: none.
    std::shared_ptr<DiskFile> file;
  };
  static void apply(Names& names, Change const& change);
  void change(Change change);

  std::uint64_t number_;
  std::uint64_t changes_{0};
  Names names_;
  Names safe_;
  std::vector<Change> pending_;
};

}  // namespace rekeyd::simulation
