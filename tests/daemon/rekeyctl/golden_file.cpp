#include "tests/daemon/rekeyctl/golden_file.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace rekeyd::test {

std::string golden(std::string const& name, std::string const& text) {
  auto const path = std::filesystem::path(REKEYD_SOURCE_DIR) / "tests/daemon/rekeyctl/golden" / name;
  if (std::getenv("REKEYD_WRITE_GOLDEN") != nullptr) std::ofstream(path, std::ios::binary) << text;
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace rekeyd::test
