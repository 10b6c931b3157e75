#pragma once
#include "storage/store.hpp"

#include <functional>
#include <memory>

namespace rekeyd::simulation {

/// A store whose commits are seen by somebody else: what went in, and whether it became durable.
class WatchedStore final : public storage::Store {
 public:
  using Watcher = std::function<void(storage::Change const&, Result<void> const&)>;

  WatchedStore(std::unique_ptr<storage::Store> store, Watcher watcher)
      : store_(std::move(store)), watcher_(std::move(watcher)) {}

  Result<void> commit(storage::Change const& change) override;
  Result<std::vector<storage::StoredKey>> keys() override { return store_->keys(); }
  Result<std::optional<storage::StoredKey>> key(KeyRef const& ref) override { return store_->key(ref); }
  Result<std::vector<storage::StoredVersion>> versions(KeyRef const& ref) override {
    return store_->versions(ref);
  }
  Result<std::vector<Registration>> registrations(KeyRef const& ref) override {
    return store_->registrations(ref);
  }
  Result<std::vector<Rotation>> unfinished_rotations() override { return store_->unfinished_rotations(); }
  Result<std::optional<Rotation>> rotation(RotationId const& id) override { return store_->rotation(id); }
  Result<std::vector<Rotation>> rotations(KeyRef const& ref, std::size_t limit) override {
    return store_->rotations(ref, limit);
  }
  Result<std::vector<storage::StepRecord>> steps(RotationId const& id) override { return store_->steps(id); }
  Result<std::vector<storage::PreviousDek>> previous_deks(KeyRef const& ref) override {
    return store_->previous_deks(ref);
  }
  Result<std::vector<storage::RecordedEvent>> history(storage::HistoryQuery const& query) override {
    return store_->history(query);
  }
  Result<std::vector<Hold>> holds() override { return store_->holds(); }
  Result<storage::HistoryHead> history_head() override { return store_->history_head(); }

 private:
  std::unique_ptr<storage::Store> store_;
  Watcher watcher_;
};

}  // namespace rekeyd::simulation
