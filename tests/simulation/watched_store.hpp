#pragma once
#include "tests/support/forwarding_store.hpp"

#include <functional>
#include <memory>

namespace rekeyd::simulation {

/// A store whose commits are seen by somebody else: what went in, and whether it became durable.
class WatchedStore final : public test::ForwardingStore {
 public:
  using Watcher = std::function<void(storage::Change const&, Result<void> const&)>;

  WatchedStore(std::unique_ptr<storage::Store> store, Watcher watcher)
      : ForwardingStore(std::move(store)), watcher_(std::move(watcher)) {}

  Result<void> commit(storage::Change const& change) override;

 private:
  Watcher watcher_;
};

}  // namespace rekeyd::simulation
