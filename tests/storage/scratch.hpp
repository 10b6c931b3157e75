#pragma once
#include <filesystem>
#include <string>

namespace rekeyd::storage::test {

/// A temporary folder of its own, gone at the end.
class Scratch {
 public:
  Scratch();
  ~Scratch();
  Scratch(Scratch const&) = delete;
  Scratch& operator=(Scratch const&) = delete;
  std::filesystem::path const& folder() const { return folder_; }
  std::filesystem::path database() const { return folder_ / "rekeyd.db"; }

 private:
  std::filesystem::path folder_;
};

std::string read_file(std::filesystem::path const& path);
void write_file(std::filesystem::path const& path, std::string const& bytes);

}  // namespace rekeyd::storage::test
