#pragma once
#include <array>
#include <string>
#include <string_view>

/// Under which host names Azure's services are found: the real ones, and loopback ones for demos.
namespace rekeyd::sim::azure {

struct HostFamily {
  std::string_view real;
  std::string_view loopback;
};

inline constexpr HostFamily vault_suffix{".vault.azure.net", ".vault.localhost"};
inline constexpr HostFamily managed_hsm_suffix{".managedhsm.azure.net", ".managedhsm.localhost"};
inline constexpr HostFamily resource_manager_host{"management.azure.com", "management.localhost"};
/// Old recordings name login.windows.net as authority; both are one service.
inline constexpr std::array<std::string_view, 3> login_hosts{"login.microsoftonline.com", "login.windows.net",
                                                             "login.localhost"};

inline bool is_loopback(std::string_view host) { return host.ends_with(".localhost"); }

/// The Host header as URLs in answers have it: lower case, without ":443".
std::string url_authority(std::string_view authority);

}  // namespace rekeyd::sim::azure
