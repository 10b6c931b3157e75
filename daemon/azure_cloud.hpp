#pragma once
#include "config/settings.hpp"
#include "policy/error.hpp"
#include "providers/azure/azure_cloud.hpp"

namespace rekeyd::daemon {

/// The cloud of one Azure provider, from its settings.
Result<providers::AzureCloud> azure_cloud(config::AzureSettings const& settings);

}  // namespace rekeyd::daemon
