#pragma once
#include "storage/connection.hpp"
#include "storage/history_chain.hpp"
#include "storage/store.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace rekeyd::storage {

/// Writes the parts of a Change into the tables, inside a transaction that the caller holds. Throws Refusal
/// that names the item when the database's rules refuse it.
class StateWriter {
 public:
  explicit StateWriter(Connection& connection) : connection_(connection) {}
  void write(Change const& change);

 private:
  void put(StoredKey const& stored);
  void put(Rotation const& rotation);
  void put(StoredVersion const& stored);
  void put(Registration const& registration);
  void remove(Registration const& registration);
  void put(StepRecord const& record);
  void put(ResourceChange const& change);
  void put(MachineStop const& stop);
  void put(PreviousDek const& previous);
  void put(Hold const& hold);

  /// The row of a key; consecutive items mostly name the same one.
  std::int64_t row_of(KeyRef const& key);

  Connection& connection_;
  std::optional<KeyRef> last_key_;
  std::int64_t last_row_{};
};

/// The end of the chain.
struct ChainHead {
  std::int64_t sequence{};
  Digest hash{chain_start};
  bool operator==(ChainHead const&) const = default;
};

ChainHead read_head(Connection& connection);

/// Appends events and chains them; inside a transaction that the caller holds.
class HistoryWriter {
 public:
  explicit HistoryWriter(Connection& connection) : connection_(connection) {}
  /// Returns the new head.
  ChainHead append(ChainHead head, std::vector<HistoryEvent> const& events);

 private:
  Connection& connection_;
  ChainHasher hash_;
};

}  // namespace rekeyd::storage
