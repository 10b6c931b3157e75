#pragma once
#include <optional>
#include <string>
#include <vector>

namespace rekeyd::simulation {

/// Mistakes that a program like ours might make, made on purpose at one of its seams, so that it can be seen
/// whether the simulation finds them.
enum class Defect {
  none,
  rename_without_fsync,  ///< An envelope takes its place before its content is on the disk.
  commit_without_sync,   ///< A commit returns before it is on the disk.
  repeated_rotate,       ///< A rotate without an answer is simply sent again.
};

std::optional<Defect> parse_defect(std::string const& name);
std::vector<std::string> defect_names();

}  // namespace rekeyd::simulation
