#include "policy/names.hpp"

namespace rekeyd {

std::optional<KeyRef> KeyRef::parse(std::string_view text) {
  auto const first = text.find('/');
  if (first == std::string_view::npos) return std::nullopt;
  auto const second = text.find('/', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  std::string_view const provider = text.substr(0, first);
  std::string_view const vault = text.substr(first + 1, second - first - 1);
  std::string_view const id = text.substr(second + 1);
  if (provider.empty() || vault.empty() || id.empty() || id.find('/') != std::string_view::npos) {
    return std::nullopt;
  }
  return KeyRef{ProviderName(std::string(provider)), VaultName(std::string(vault)), KeyId(std::string(id))};
}

}  // namespace rekeyd
