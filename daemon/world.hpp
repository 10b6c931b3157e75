#pragma once
#include "daemon/provider_instance.hpp"
#include "providers/dek/dek_store.hpp"
#include "providers/material/material_source.hpp"
#include "providers/system/clock.hpp"
#include "providers/system/command.hpp"
#include "providers/system/random.hpp"
#include "storage/store.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <map>
#include <memory>
#include <vector>

namespace boost::asio {
class thread_pool;
}

namespace rekeyd::daemon {

/// Everything outside that the daemon may touch, in one place. Two worlds fit in one process. One thread: no
/// member needs a lock; the store, which has its own, is written to by `committing` as well.
struct World {
  boost::asio::any_io_executor executor;
  providers::Clock& clock;
  providers::Random& random;
  storage::Store& store;
  ProviderInstances providers;
  std::vector<std::unique_ptr<providers::DekStore>> dek_stores;
  providers::CommandRunner* commands{};    ///< Runs programs of the operator's; null: none are run here.
  boost::asio::thread_pool* committing{};  ///< Waits for the disk in the loop's place (GroupCommit); or null.
  providers::MaterialSources material_sources{};  ///< For the next versions of imported keys.

  /// The instance of that name, or null when the configuration no longer has it.
  ProviderInstance* provider(ProviderName const& name) {
    auto const found = providers.find(name);
    return found == providers.end() ? nullptr : found->second.get();
  }

  /// Who looks after the resource, or null when no configured instance does.
  providers::ResourceController* resource_controller(ResourceId const& resource) const {
    for (auto const& [name, instance] : providers) {
      if (instance->resources && instance->resources->looks_after(resource)) return instance->resources.get();
    }
    return nullptr;
  }
};

}  // namespace rekeyd::daemon
