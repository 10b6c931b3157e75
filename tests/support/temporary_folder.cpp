#include "tests/support/temporary_folder.hpp"

#include <cerrno>
#include <fstream>
#include <stdexcept>
#include <string>
#include <system_error>

#include <stdlib.h>

namespace rekeyd::test {

TemporaryFolder::TemporaryFolder() {
  auto pattern = (std::filesystem::temp_directory_path() / "rekeyd-test-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr)
    throw std::system_error(errno, std::generic_category(), "cannot make " + pattern);
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;  // a folder left in /tmp must not turn a test's own failure into an abort
  std::filesystem::remove_all(path_, ignored);
}

std::filesystem::path TemporaryFolder::write(std::filesystem::path const& name,
                                             std::string_view content) const {
  auto const whole = path_ / name;
  std::filesystem::create_directories(whole.parent_path());
  std::ofstream file(whole, std::ios::binary | std::ios::trunc);
  file << content;
  file.close();
  if (!file) throw std::runtime_error("cannot write " + whole.string());
  return whole;
}

}  // namespace rekeyd::test
