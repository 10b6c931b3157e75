#pragma once
#include <filesystem>
#include <string_view>

namespace rekeyd::test {

/// A folder of this test's own, gone with all it holds when the test ends.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(TemporaryFolder const&) = delete;
  TemporaryFolder& operator=(TemporaryFolder const&) = delete;

  std::filesystem::path const& path() const { return path_; }
  /// Writes a file (with folders on the way) and returns its whole path.
  std::filesystem::path write(std::filesystem::path const& name, std::string_view content) const;

 private:
  std::filesystem::path path_;
};

}  // namespace rekeyd::test
