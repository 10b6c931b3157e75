#include "daemon/ending_services.hpp"

#include <fmt/format.h>

namespace rekeyd::daemon {

namespace {

// Hyper Protect Crypto Services: its own page says 28 March 2027, that of VPC 20 March (IBM Cloud docs,
// hs-crypto and vpc).
constexpr char const* end_of_hpcs = "20 March 2027";
constexpr std::size_t named_max = 10;

struct LivingKeys {
  std::size_t count{};
  std::string names;
};

LivingKeys keys_of(Fleet const& fleet, ProviderName const& provider) {
  LivingKeys living;
  for (auto const& [ref, key] : fleet.keys()) {
    bool const there = ref.provider == provider && !key.stored.gone && !key.stored.replaced &&
                       key.stored.key.state != KeyState::destroyed;
    if (!there || ++living.count > named_max) continue;
    living.names += (living.names.empty() ? "" : ", ") + ref.text();
  }
  if (living.count > named_max) living.names += fmt::format(" and {} more", living.count - named_max);
  return living;
}

}  // namespace

std::vector<std::string> ending_services(config::Settings const& settings, Fleet const& fleet) {
  std::vector<std::string> warnings;
  for (config::ProviderSettings const& provider : settings.providers) {
    if (provider.kind != config::ProviderKind::ibm_hpcs) continue;
    LivingKeys const living = keys_of(fleet, provider.name);
    if (living.count == 0) continue;
    warnings.push_back(
        fmt::format("{}: {} keys live on Hyper Protect Crypto Services, which IBM shuts down by {}: {}; make "
                    "successors at Key Protect Dedicated and move what depends on them (docs/replacing.md)",
                    provider.name.str(), living.count, end_of_hpcs, living.names));
  }
  return warnings;
}

}  // namespace rekeyd::daemon
