#include "tests/simulation/defect.hpp"

#include <string>

namespace rekeyd::simulation {

namespace {

std::string& made() {
  static std::string name;
  return name;
}

}  // namespace

void make_defect(std::string_view name) { made() = name; }

bool makes_defect(std::string_view name) { return made() == name; }

}  // namespace rekeyd::simulation
