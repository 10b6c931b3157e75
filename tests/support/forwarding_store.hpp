#pragma once
#include "storage/store.hpp"

#include <memory>
#include <utility>

namespace rekeyd::test {

/// A store that hands everything on: what a test's own store begins with, to see or change some of it.
class ForwardingStore : public storage::Store {
 public:
  explicit ForwardingStore(std::unique_ptr<storage::Store> store) : store_(std::move(store)) {}

  Result<void> commit(storage::Change const& change) override { return store_->commit(change); }
  Result<std::vector<storage::StoredKey>> keys() override { return store_->keys(); }
  Result<std::optional<storage::StoredKey>> key(KeyRef const& ref) override { return store_->key(ref); }
  Result<std::vector<storage::StoredVersion>> versions(KeyRef const& ref) override {
    return store_->versions(ref);
  }
  Result<std::vector<Registration>> registrations(KeyRef const& ref) override {
    return store_->registrations(ref);
  }
  Result<std::vector<Registration>> registrations_under(std::string const& prefix) override {
    return store_->registrations_under(prefix);
  }
  Result<std::vector<Registration>> registrations_following(Following following) override {
    return store_->registrations_following(following);
  }
  Result<std::vector<Rotation>> unfinished_rotations() override { return store_->unfinished_rotations(); }
  Result<std::optional<Rotation>> rotation(RotationId const& id) override { return store_->rotation(id); }
  Result<std::vector<Rotation>> rotations(KeyRef const& ref, std::size_t limit) override {
    return store_->rotations(ref, limit);
  }
  Result<std::vector<storage::StepRecord>> steps(RotationId const& id) override { return store_->steps(id); }
  Result<std::vector<storage::ResourceChange>> resource_changes(RotationId const& id) override {
    return store_->resource_changes(id);
  }
  Result<std::vector<storage::MachineStop>> machine_stops(RotationId const& id) override {
    return store_->machine_stops(id);
  }
  Result<std::optional<std::chrono::seconds>> last_downtime(ResourceId const& resource) override {
    return store_->last_downtime(resource);
  }
  Result<std::vector<storage::PreviousDek>> previous_deks(KeyRef const& ref) override {
    return store_->previous_deks(ref);
  }
  Result<std::vector<Hold>> holds() override { return store_->holds(); }
  Result<std::vector<storage::RecordedEvent>> history(storage::HistoryQuery const& query) override {
    return store_->history(query);
  }
  Result<storage::HistoryHead> history_head() override { return store_->history_head(); }

 private:
  std::unique_ptr<storage::Store> store_;
};

}  // namespace rekeyd::test
