#pragma once
#include "storage/connection.hpp"
#include "storage/store.hpp"

#include <memory>
#include <mutex>

/// What the Store seam reads, from whatever connection: the daemon's own or a read-only one.
namespace rekeyd::storage {

/// Everything of StoreReader over one connection, which outlives this.
class SqliteReader {
 public:
  explicit SqliteReader(Connection& connection) : connection_(connection) {}

  std::vector<StoredKey> keys();
  std::optional<StoredKey> key(KeyRef const& ref);
  std::vector<StoredVersion> versions(KeyRef const& ref);
  std::vector<Registration> registrations(KeyRef const& ref);
  std::vector<Registration> registrations_under(std::string const& prefix);
  std::vector<Registration> registrations_following(Following following);
  std::vector<Rotation> unfinished_rotations();
  std::optional<Rotation> rotation(RotationId const& id);
  std::vector<Rotation> rotations(KeyRef const& ref, std::size_t limit);
  std::vector<StepRecord> steps(RotationId const& id);
  std::vector<ResourceChange> resource_changes(RotationId const& id);
  std::vector<MachineStop> machine_stops(RotationId const& id);
  std::optional<std::chrono::seconds> last_downtime(ResourceId const& resource);
  std::vector<PreviousDek> previous_deks(KeyRef const& ref);
  std::vector<Hold> holds();
  std::vector<RecordedEvent> history(HistoryQuery const& query);
  HistoryHead history_head();

 private:
  Connection& connection_;
};

/// The reading half of the seam over a SqliteReader: each call with its failure turned into a value. `Base`
/// is StoreReader, or Store for a class that adds commit().
template <class Base>
class SqliteReading : public Base {
 public:
  explicit SqliteReading(std::unique_ptr<Connection> connection)
      : connection_(std::move(connection)), reader_(*connection_) {}

  Result<std::vector<StoredKey>> keys() override {
    return read([&] { return reader_.keys(); });
  }
  Result<std::optional<StoredKey>> key(KeyRef const& ref) override {
    return read([&] { return reader_.key(ref); });
  }
  Result<std::vector<StoredVersion>> versions(KeyRef const& ref) override {
    return read([&] { return reader_.versions(ref); });
  }
  Result<std::vector<Registration>> registrations(KeyRef const& ref) override {
    return read([&] { return reader_.registrations(ref); });
  }
  Result<std::vector<Registration>> registrations_under(std::string const& prefix) override {
    return read([&] { return reader_.registrations_under(prefix); });
  }
  Result<std::vector<Registration>> registrations_following(Following following) override {
    return read([&] { return reader_.registrations_following(following); });
  }
  Result<std::vector<Rotation>> unfinished_rotations() override {
    return read([&] { return reader_.unfinished_rotations(); });
  }
  Result<std::optional<Rotation>> rotation(RotationId const& id) override {
    return read([&] { return reader_.rotation(id); });
  }
  Result<std::vector<Rotation>> rotations(KeyRef const& ref, std::size_t limit) override {
    return read([&] { return reader_.rotations(ref, limit); });
  }
  Result<std::vector<StepRecord>> steps(RotationId const& id) override {
    return read([&] { return reader_.steps(id); });
  }
  Result<std::vector<ResourceChange>> resource_changes(RotationId const& id) override {
    return read([&] { return reader_.resource_changes(id); });
  }
  Result<std::vector<MachineStop>> machine_stops(RotationId const& id) override {
    return read([&] { return reader_.machine_stops(id); });
  }
  Result<std::optional<std::chrono::seconds>> last_downtime(ResourceId const& resource) override {
    return read([&] { return reader_.last_downtime(resource); });
  }
  Result<std::vector<PreviousDek>> previous_deks(KeyRef const& ref) override {
    return read([&] { return reader_.previous_deks(ref); });
  }
  Result<std::vector<Hold>> holds() override {
    return read([&] { return reader_.holds(); });
  }
  Result<std::vector<RecordedEvent>> history(HistoryQuery const& query) override {
    return read([&] { return reader_.history(query); });
  }
  Result<HistoryHead> history_head() override {
    return read([&] { return reader_.history_head(); });
  }

 protected:
  Connection& connection() { return *connection_; }
  /// A connection serves one thread at a time. Held by everybody who uses it, for as long as he does.
  std::mutex& one_at_a_time() { return mutex_; }

 private:
  template <class Read>
  auto read(Read&& what) {
    std::lock_guard const alone(mutex_);
    return guarded(connection_->where(), "read the database", std::forward<Read>(what));
  }

  std::mutex mutex_;
  std::unique_ptr<Connection> connection_;
  SqliteReader reader_;
};

}  // namespace rekeyd::storage
