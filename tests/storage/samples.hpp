#pragma once
#include "storage/sqlite_store.hpp"
#include "storage/store.hpp"

#include <filesystem>
#include <memory>
#include <random>
#include <string>

namespace rekeyd::storage::test {

/// Seconds after 2026-03-01T00:00:00Z.
Instant moment(int seconds);

KeyRef ledger();   ///< "azure-prod/payments-eu/cmk-ledger"
KeyRef backups();  ///< An IBM key.

StoredKey stored_key(KeyRef const& ref);
StoredVersion stored_version(KeyRef const& ref, std::string const& id, Instant created);
Rotation open_rotation(KeyRef const& ref, std::string const& id);
HistoryEvent event(EventKind kind, Instant at, KeyRef const& ref);
/// An event with something in every field.
HistoryEvent full_event(Instant at);
PreviousDek previous_dek(KeyRef const& ref, std::string const& id, RotationId const& rotation);

/// A key with two versions, two registrations, one finished and one blocked rotation with steps, previous
/// WDEKs, and events: something in every table.
Change full_change();

/// Opens or fails the test with the error's text.
std::unique_ptr<Store> open_or_fail(std::filesystem::path const& database);
/// Commits or fails the test with the error's text.
void commit_or_fail(Store& store, Change const& change);

/// Draws everything of the domain from a seed, odd bytes and absent values included.
class Dice {
 public:
  explicit Dice(unsigned seed) : engine_(seed) {}
  int below(int bound) { return static_cast<int>(engine_() % static_cast<unsigned>(bound)); }
  bool flip() { return below(2) == 0; }
  std::string text();
  std::string word(char const* prefix, int kinds) { return prefix + std::to_string(below(kinds)); }
  Instant instant() { return moment(below(100'000'000) - 50'000'000); }
  StoredKey key(KeyRef const& ref);
  KeyVersion version(std::string const& id);
  Registration registration(KeyRef const& ref, std::string const& resource);
  Rotation rotation(KeyRef const& ref, std::string const& id);
  HistoryEvent event(KeyRef const& ref);

  template <class Make>
  auto maybe(Make&& make) -> std::optional<decltype(make())> {
    if (flip()) return std::nullopt;
    return make();
  }

 private:
  std::mt19937 engine_;
};

}  // namespace rekeyd::storage::test
