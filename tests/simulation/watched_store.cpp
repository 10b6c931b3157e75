#include "tests/simulation/watched_store.hpp"

namespace rekeyd::simulation {

Result<void> WatchedStore::commit(storage::Change const& change) {
  Result<void> committed = ForwardingStore::commit(change);
  watcher_(change, committed);
  return committed;
}

}  // namespace rekeyd::simulation
