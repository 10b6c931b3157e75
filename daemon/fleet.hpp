#pragma once
#include "daemon/world.hpp"
#include "policy/decision.hpp"
#include "policy/match.hpp"
#include "policy/rotation.hpp"
#include "storage/store.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace rekeyd::daemon {

/// Keys that share their brakes: those of one provider instance under one policy.
struct Lane {
  ProviderName provider;
  PolicyName policy;
  auto operator<=>(Lane const&) const = default;
};

/// One root key as the daemon holds it in memory: what is stored, which policy applies, what is under way.
struct TrackedKey {
  storage::StoredKey stored;
  PolicyMatch match;
  std::optional<Rotation> rotation;  ///< The unfinished one.
  std::string read_error;            ///< Why the last reading failed; empty if it did not.
  bool running{};                    ///< A rotator has it in hand; nobody else may change it.
  /// When a rotation last moved or looked at its resources, in this life.
  std::optional<providers::Clock::Mono> moved_resources;
  std::vector<ResourceId> never_follow;  ///< Resources that stay on the version they were set up with.
  std::optional<Instant> look_at;        ///< When the scheduler looks at it next, and
  Lane lane;                             ///< in which lane: its place in the index.
};

/// When a backup last took the database's place; nothing: never.
Result<std::optional<Instant>> last_restore(storage::StoreReader& store);

/// All root keys, and the index of when each needs attention, so that work grows with what is due and not
/// with what is known. Holds the policies in force. Memory only; the store is the truth across restarts.
class Fleet {
 public:
  explicit Fleet(World& world, std::chrono::seconds overdue_after);

  /// Reads keys and unfinished rotations from the store. Call once, before anything else.
  Result<void> load();

  /// When a backup last took the database's place; nothing: never.
  std::optional<Instant> restored_at() const { return restored_at_; }
  /// From when on a reading of the key tells all: what the life before the restore sent has had the
  /// provider's own lag to show up. Nothing: no backup was ever restored.
  std::optional<Instant> believe_from(KeyRef const& key) const;
  /// The key has not been read since. Until then nothing of it is begun or continued.
  bool awaits_reading(TrackedKey const& key) const;
  std::size_t keys_awaiting_reading() const;

  /// The key whose unfinished replacement moves everything to `successor`; null: none. Looks at all.
  TrackedKey const* about_to_be_replaced_by(KeyRef const& successor) const;
  TrackedKey* find(KeyRef const& key);
  /// Takes over what is known of a key and looks at it anew.
  TrackedKey& put(storage::StoredKey stored);
  std::map<KeyRef, TrackedKey> const& keys() const { return keys_; }

  /// Which resources of the key never follow it, as a survey has shown.
  void put_never_following(KeyRef const& key, std::vector<ResourceId> resources);

  /// Puts a policy set in force and looks at every key anew.
  void apply(std::shared_ptr<PolicySet const> policies);
  PolicySet const& policies() const { return *policies_; }
  /// When they were put in force, in this life.
  Instant policies_since() const { return policies_since_; }

  /// Recomputes when `key` needs attention, after anything of it has changed.
  void look_anew(TrackedKey& key);
  /// The same for every key with an unfinished rotation.
  void look_anew_at_rotations();
  /// Grows with every look_anew: the same number twice means that nothing has changed between.
  std::uint64_t changes() const { return changes_; }

  /// When a key needs attention, soonest first. Two of them, because an open rotation goes on whatever the
  /// caps say, and a new one does not begin.
  /// By lane, so that one that is braked costs nothing.
  using Index = std::map<Lane, std::set<std::pair<Instant, KeyRef>>>;
  Index const& to_continue() const { return to_continue_; }
  Index const& to_begin() const { return to_begin_; }

  /// What to say of a key now; without brakes: as if there were none.
  Verdict verdict(TrackedKey const& key, BrakeFacts const* brakes = nullptr) const;
  /// The lane of a key: that of its unfinished rotation, else of the policy that applies.
  static Lane lane_of(TrackedKey const& key);

  /// Every key found so far counts as judged.
  void admit_all();

 private:
  KeyFacts facts_of(TrackedKey const& key, BrakeFacts const* brakes) const;

  World& world_;
  std::chrono::seconds overdue_after_;
  std::optional<Instant> restored_at_;
  std::shared_ptr<PolicySet const> policies_ = std::make_shared<PolicySet const>();
  Instant policies_since_{};
  std::map<KeyRef, TrackedKey> keys_;
  void file(TrackedKey& key, std::optional<Instant> when);

  Index to_continue_;
  Index to_begin_;
  std::uint64_t changes_{};
};

}  // namespace rekeyd::daemon
