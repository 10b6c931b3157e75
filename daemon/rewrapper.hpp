#pragma once
#include "daemon/group_commit.hpp"
#include "daemon/stop_flag.hpp"
#include "daemon/task_group.hpp"
#include "daemon/world.hpp"
#include "policy/rotation.hpp"
#include "policy/rotation_policy.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

namespace rekeyd::daemon {

/// What one walk over the wrapped DEKs of a key came to.
struct RewrapSummary {
  std::size_t rewrapped{};
  std::size_t already_current{};
  std::size_t refused{};            ///< Could not be moved and never will be as they are; the old WDEK stays.
  std::size_t changed{};            ///< Changed under our hands by their application; to be looked at again.
  std::optional<Error> trouble;     ///< Why the walk ended early: provider or store out of reach.
  std::optional<Error> unreadable;  ///< One answer that could not be read; its WDEK was left as it was.
  std::optional<Error> first_refusal;
  bool stopped{};  ///< The daemon is ending; the rest comes in its next life.
};

/// Moves every wrapped DEK of a key to its current version, or to that of the key that takes its place, batch
/// by batch:
///  1. the first WDEK of a batch is re-wrapped, both it and its predecessor are unwrapped, and the DEKs
///     compared; a difference stops everything;
///  2. the rest of the batch is re-wrapped side by side;
///  3. the previous WDEKs are made durable in our database;
///  4. the store replaces them, each by compare-and-swap;
///  5. what was replaced goes on record.
/// While a batch is put back (3 to 5), the next is re-wrapped (1 and 2) and the one after has been read; more
/// are not under way at once. What is already on the target version is skipped, so the walk can be repeated
/// after any interruption.
class Rewrapper {
 public:
  Rewrapper(World& world, StopFlag const& stop)
      : world_(world), stop_(stop), group_(world.executor, world.store, world.committing) {}

  /// `rotation.new_version` is the target. In a replacement, those that are on an older version of the
  /// successor are moved as well: others may have rotated it meanwhile.
  boost::asio::awaitable<RewrapSummary> run(Rotation const& rotation, WrapBy wrap);
  /// WDEKs of the key that are not on `target`, over all stores.
  boost::asio::awaitable<Result<std::size_t>> left_behind(KeyRef key, VersionId target);

 private:
  struct Keepers;
  struct Batch;
  struct Walk;
  struct Sorted {
    storage::Change kept;  ///< Previous WDEKs and refusals: durable before anything is replaced.
    std::vector<providers::DekReplacement> replacements;
  };
  boost::asio::awaitable<void> walk_store(providers::DekStore& store, Rotation const& rotation, KeyRef from,
                                          WrapBy wrap, RewrapSummary& summary);
  boost::asio::awaitable<void> walk_pages(Walk& walk);
  static boost::asio::awaitable<void> read_page(Walk& walk, std::string cursor);
  static std::shared_ptr<Batch> batch_of(Walk& walk, providers::DekPage page);
  boost::asio::awaitable<void> move(Walk& walk, std::shared_ptr<Batch> batch);
  boost::asio::awaitable<void> settle(Walk& walk);
  boost::asio::awaitable<std::optional<Error>> prove_first(Batch& batch);
  boost::asio::awaitable<std::optional<Error>> compare_deks(Batch& batch, std::size_t index);
  boost::asio::awaitable<void> rewrap_one(Batch& batch, std::size_t index);
  boost::asio::awaitable<Result<providers::Rewrapped>> wrap_under_successor(Batch& batch, WrappedDek before);
  boost::asio::awaitable<void> put_back(Walk& walk, std::shared_ptr<Batch> batch, Sorted sorted);
  boost::asio::awaitable<std::size_t> replace(Walk& walk, std::vector<providers::DekReplacement> replacements,
                                              bool& whole);
  Sorted sort_out(Batch const& batch, RewrapSummary& summary);
  static HistoryEvent refusal_event(Batch const& batch, WrappedDek const& dek, Error const& error,
                                    Instant at);
  storage::Change replaced_event(Batch const& batch, std::size_t replaced);
  boost::asio::awaitable<bool> record(Walk& walk);

  World& world_;
  StopFlag const& stop_;
  GroupCommit group_;
};

}  // namespace rekeyd::daemon
