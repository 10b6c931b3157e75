#pragma once
#include "providers/system/random.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <sys/types.h>

namespace rekeyd::simulation {

/// One file's content on a disk that may lose power: as the processes see it, as it is safe, and the changes
/// in between, in their order.
class DiskFile {
 public:
  struct Attributes {
    mode_t mode{};
    uid_t owner{};
    gid_t group{};
  };

  DiskFile(std::uint64_t number, Attributes attributes) : number_(number), attributes_(attributes) {}

  std::uint64_t number() const { return number_; }  ///< Its inode: never used a second time.
  std::string const& bytes() const { return bytes_; }
  Attributes const& attributes() const { return attributes_; }

  /// Bytes between the end and `offset` become zeros.
  void write(std::uint64_t offset, std::string_view text);
  void truncate(std::uint64_t size);
  void set_attributes(Attributes attributes);

  /// What is seen now is safe.
  void sync();
  bool synced() const { return pending_.empty() && same_attributes(); }
  /// The power goes: of what is not safe, `chance` keeps nothing, all, the first part (its last write torn at
  /// any byte), or any of the sectors in any order. What remains is what is seen and safe afterwards.
  void lose_power(providers::Random& chance);

 private:
  struct Write {
    std::uint64_t offset;
    std::string text;
  };
  struct Truncate {
    std::uint64_t size;
  };
  using Change = std::variant<Write, Truncate>;

  bool same_attributes() const;
  void keep_first_part(providers::Random& chance);
  void keep_sectors(providers::Random& chance, std::uint64_t sector);

  std::uint64_t number_;
  std::string bytes_;
  std::string safe_;
  std::vector<Change> pending_;
  Attributes attributes_;
  Attributes safe_attributes_{attributes_};
};

}  // namespace rekeyd::simulation
