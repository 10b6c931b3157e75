#pragma once
#include "providers/ibm/key_protect.hpp"

namespace rekeyd::test {

/// Provider "ibm-test" with one instance of Key Protect, "pay".
inline providers::KeyProtectOptions pay_instance() {
  providers::KeyProtectOptions options;
  options.name = ProviderName("ibm-test");
  providers::InstanceAddress instance;
  instance.name = VaultName("pay");
  instance.id = "0b1c2d3e-4f50-4a61-8b72-c3d4e5f60718";
  instance.endpoint.host = "eu-de.kms.cloud.ibm.com";
  options.instances.push_back(instance);
  return options;
}

}  // namespace rekeyd::test
