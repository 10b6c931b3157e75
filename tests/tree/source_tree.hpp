#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace rekeyd::tree {

struct SourceFile {
  std::string path;  ///< From the root of the tree, with '/'.
  std::string text;
};

/// Every .cpp and .hpp of the project, in order of path. Throws if the tree cannot be read.
std::vector<SourceFile> const& source_files();
/// The paths of all files of the project, build folders and version control left out.
std::vector<std::string> const& all_paths();

/// The text with comments, and what stands inside quotes, blanked; lines stay where they are.
std::string code_of(std::string_view text);

/// The line (from 1) of a position.
std::size_t line_of(std::string_view text, std::size_t position);

}  // namespace rekeyd::tree
