#include "config/load.hpp"

#include <cstdint>
#include <cstdlib>

/// Any bytes as a policy file: no exception, a value exactly if there is no error, and every place within the
/// text.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace rekeyd::config;
  std::string const text(reinterpret_cast<char const*>(data), size);
  auto const loaded = parse_policies(text, "fuzz.yaml");
  if (loaded.value.has_value() == has_errors(loaded.diagnostics)) std::abort();
  for (Diagnostic const& diagnostic : loaded.diagnostics) {
    if (diagnostic.message.empty() || diagnostic.place.line < 0 || diagnostic.place.column < 0) std::abort();
    if (static_cast<std::size_t>(diagnostic.place.line) > size + 1) std::abort();
  }
  if (!loaded.value) return 0;
  for (rekeyd::RotationPolicy const& policy : loaded.value->policies) {
    if (policy.name.empty() || policy.zone == nullptr || policy.match == rekeyd::KeySelector{}) std::abort();
  }
  return 0;
}
