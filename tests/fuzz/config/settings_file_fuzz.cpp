#include "config/load.hpp"

#include <cstdint>
#include <cstdlib>

/// Any bytes as rekeyd.yaml: no exception, and what loads can be acted on.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace rekeyd::config;
  std::string const text(reinterpret_cast<char const*>(data), size);
  auto const none = [](std::string const&) -> std::optional<std::string> { return std::nullopt; };
  auto const loaded = parse_settings(text, "fuzz.yaml", "/etc/rekeyd", none);
  if (loaded.value.has_value() == has_errors(loaded.diagnostics)) std::abort();
  if (!loaded.value) return 0;
  if (loaded.value->providers.empty() || !loaded.value->database.is_absolute()) std::abort();
  for (ProviderSettings const& provider : loaded.value->providers) {
    if (provider.name.empty() || provider.limits.in_flight == 0 || provider.limits.tries == 0) std::abort();
    auto const* const azure = std::get_if<AzureSettings>(&provider.cloud);
    bool const idle =
        azure != nullptr ? azure->vaults.empty() : std::get<IbmSettings>(provider.cloud).instances.empty();
    if (idle) std::abort();
  }
  return 0;
}
