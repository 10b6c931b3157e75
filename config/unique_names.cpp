#include "config/unique_names.hpp"

#include <fmt/format.h>

namespace rekeyd::config {

void UniqueNames::add(std::string const& name, Position at) {
  auto const [first, is_new] = seen_.try_emplace(name, at);
  if (is_new) return;
  findings_
      .error(at, "duplicate-name", fmt::format("there is already {} named '{}'", thing_, name),
             "give one of them another name")
      .related.push_back(findings_.place(first->second));
}

}  // namespace rekeyd::config
