#pragma once
#include "policy/error.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace rekeyd::rekeyctl {

/// The first of these that can be run: beside this program (a build tree), where the installation puts it
/// seen from this program, and where it was to be installed. Error not_installed: none is there.
Result<std::filesystem::path> find_subprogram(std::string const& name);

struct SubprogramEnded {
  int exit{};  ///< Or minus the signal that ended it.
  std::string out;
};

/// Runs it to its end. Its output is kept, its errors go where ours go. Error: it cannot be started.
Result<SubprogramEnded> run_subprogram(std::filesystem::path const& program,
                                       std::vector<std::string> arguments);

}  // namespace rekeyd::rekeyctl
