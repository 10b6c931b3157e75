#include "tests/simulation/defect.hpp"

#include <array>
#include <utility>

namespace rekeyd::simulation {

namespace {

constexpr std::array names{
    std::pair("none", Defect::none),
    std::pair("rename-without-fsync", Defect::rename_without_fsync),
    std::pair("commit-without-sync", Defect::commit_without_sync),
    std::pair("repeated-rotate", Defect::repeated_rotate),
};

}  // namespace

std::optional<Defect> parse_defect(std::string const& name) {
  for (auto const& [known, defect] : names) {
    if (name == known) return defect;
  }
  return std::nullopt;
}

std::vector<std::string> defect_names() {
  std::vector<std::string> all;
  for (auto const& [name, defect] : names) all.emplace_back(name);
  return all;
}

}  // namespace rekeyd::simulation
