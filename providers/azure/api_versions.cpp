#include "providers/azure/api_versions.hpp"

#include "providers/azure/letter_case.hpp"

#include <fmt/format.h>

namespace rekeyd::providers::azure {

namespace {

/// "microsoft.compute/virtualmachines" of ".../providers/Microsoft.Compute/virtualMachines/vm1".
std::string type_of(std::string_view path) {
  constexpr std::string_view mark = "/providers/";
  std::string const folded = lower_case(path.substr(0, path.find('?')));
  auto const at = folded.find(mark);
  if (at == std::string::npos) return {};
  auto const begin = at + mark.size();
  auto const name = folded.find('/', begin);
  if (name == std::string::npos) return {};
  return folded.substr(begin, folded.find('/', name + 1) - begin);
}

}  // namespace

std::string api_version_for(std::string_view path, std::string_view usual, ArmApiVersions const& wanted) {
  auto const found = wanted.find(type_of(path));
  return found == wanted.end() ? std::string(usual) : found->second;
}

std::string asked_version_words(std::string_view target) {
  constexpr std::string_view name = "api-version=";
  auto const query = target.find('?');
  auto const at = query == std::string_view::npos ? query : target.find(name, query);
  if (at == std::string_view::npos) return {};
  auto const begin = at + name.size();
  return fmt::format(" (api-version {})", target.substr(begin, target.find('&', begin) - begin));
}

}  // namespace rekeyd::providers::azure
