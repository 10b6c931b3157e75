#pragma once
#include <span>
#include <string_view>

/// Mistakes that a program like ours might make, made on purpose, one at a time, so that it can be seen
/// whether the simulation finds them. Each is a file of tests/simulation/defects/; the program that can make
/// them is rekeyd-simulate-defective (defects/CMakeLists.txt).
namespace rekeyd::simulation {

struct DeliberateDefect {
  char const* name;
  char const* what;  ///< In a sentence or two.
};

/// All of them, by name; written by the build.
std::span<DeliberateDefect const> deliberate_defects();

/// From here on this process makes the defect of that name, and no other; "": none.
void make_defect(std::string_view name);
/// What DEFECT in a file of tests/simulation/defects/ stands for.
bool makes_defect(std::string_view name);

}  // namespace rekeyd::simulation
