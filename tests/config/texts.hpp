#pragma once
#include "config/load.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace rekeyd::config::test {

/// Environment without any variable.
Environment no_environment();

/// One line a diagnostic, as people see them.
std::vector<std::string> lines(std::vector<Diagnostic> const& diagnostics);

/// A policy file with one policy 'a' that matches key 'x'; `fields` are further lines such as "every: 1
/// month".
std::string policy_file(std::vector<std::string> const& fields);

/// rekeyd.yaml with one Azure provider and `top` before it.
std::string settings_file(std::string const& top = {});

std::string read(std::filesystem::path const& file);
void write(std::filesystem::path const& file, std::string const& bytes);

/// A folder of its own that goes with the test.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(TemporaryFolder const&) = delete;
  TemporaryFolder& operator=(TemporaryFolder const&) = delete;
  std::filesystem::path operator/(std::string const& name) const { return path_ / name; }
  std::filesystem::path const& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace rekeyd::config::test
