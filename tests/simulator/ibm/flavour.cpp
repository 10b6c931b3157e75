#include "tests/simulator/ibm/flavour.hpp"

#include <fmt/format.h>

#include <array>

namespace rekeyd::sim::ibm {

namespace {

constexpr Flavour standard{"key-protect", "kms", true, true, "RSAES_OAEP_SHA_256"};
constexpr Flavour dedicated{"key-protect-dedicated", "kms", true, false, ""};
constexpr Flavour hpcs{"hpcs", "hs-crypto", false, false, "RSAES_OAEP_SHA_1"};

std::vector<HostName> dedicated_names(std::string_view region, std::string_view id) {
  return {{fmt::format("{}.api.{}.kms.appdomain.cloud", id, region), false, false},
          {fmt::format("{}.api.private.{}.kms.appdomain.cloud", id, region), true, false},
          {fmt::format("{}.kms-dedicated.localhost", id), false, false}};
}

std::vector<HostName> hpcs_names(std::string_view region, std::string_view id) {
  return {{fmt::format("{}.api.{}.hs-crypto.appdomain.cloud", id, region), false, false},
          {fmt::format("{}.api.private.{}.hs-crypto.appdomain.cloud", id, region), true, false},
          {fmt::format("api.{}.hs-crypto.cloud.ibm.com", region), false, true},
          {fmt::format("api.private.{}.hs-crypto.cloud.ibm.com", region), true, true},
          {fmt::format("{}.hs-crypto.localhost", id), false, false}};
}

std::vector<HostName> standard_names(std::string_view region) {
  return {{fmt::format("{}.kms.cloud.ibm.com", region), false, false},
          {fmt::format("private.{}.kms.cloud.ibm.com", region), true, false},
          {fmt::format("{}.kms.localhost", region), false, false}};
}

}  // namespace

Flavour const& standard_flavour() { return standard; }
Flavour const& dedicated_flavour() { return dedicated; }
Flavour const& hpcs_flavour() { return hpcs; }

Flavour const* flavour_named(std::string_view name) {
  for (auto const* flavour : {&standard, &dedicated, &hpcs}) {
    if (flavour->name == name) return flavour;
  }
  return nullptr;
}

std::vector<HostName> host_names(Flavour const& flavour, std::string_view region,
                                 std::string_view instance_id) {
  if (flavour.named_by_region) return standard_names(region);
  if (flavour.crn_service == "kms") return dedicated_names(region, instance_id);
  return hpcs_names(region, instance_id);
}

bool is_regional_host(std::string_view host) {
  if (host.starts_with("private.")) host.remove_prefix(std::string_view("private.").size());
  for (std::string_view suffix : {".kms.cloud.ibm.com", ".kms.localhost"}) {
    if (!host.ends_with(suffix)) continue;
    auto const region = host.substr(0, host.size() - suffix.size());
    return !region.empty() && region.find('.') == std::string_view::npos;
  }
  return false;
}

}  // namespace rekeyd::sim::ibm
