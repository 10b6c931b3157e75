#pragma once
#include "daemon/world.hpp"
#include "policy/history_event.hpp"
#include "policy/hold.hpp"
#include "storage/store.hpp"

#include <functional>
#include <string>
#include <vector>

namespace rekeyd::daemon {

/// The holds in force, durable with their events. One that the disk refuses to record holds all the same, and
/// is recorded as soon as the disk lets us: a brake fails closed.
class Holds {
 public:
  explicit Holds(World& world) : world_(world) {}

  /// Reads them from the store. Call once, before anything else.
  Result<void> load();
  /// `changed` is called after any change, to decide anew.
  void when_changed(std::function<void()> changed) { changed_ = std::move(changed); }

  std::vector<Hold> const& in_force() const { return in_force_; }
  /// Null if there is none. Valid until the next change.
  Hold const* find(HoldKind kind, BrakeScope const& scope) const;
  std::vector<Hold> covering(ProviderName const& provider, PolicyName const& policy) const;
  /// Differences of the clock that a person has accepted.
  std::vector<Hold> const& accepted() const { return accepted_; }

  /// Places a hold, or gives the one of its kind and scope that is in force its sentence, details and next
  /// try. Nothing happens if that says the same.
  void place(Hold hold);
  /// The same in two halves, for a hold that is to become durable together with something else: the row and
  /// the event, and, once they are durable, the memory.
  Hold add_to(storage::Change& change, Hold hold) const;
  void took_effect(Hold hold);

  /// Lets go by ourselves, saying why. Stays in force if the disk refuses.
  void let_go(HoldKind kind, BrakeScope const& scope, std::string const& why);
  /// A person lets these go. Error: nothing happened.
  Result<void> release(std::vector<Hold> holds, std::string const& caller, std::string const& reason);
  /// The clocks agree again: what a person has accepted before is not accepted any more.
  void forget_accepted(BrakeScope const& scope);

  /// Tries again to record what the disk has refused.
  void catch_up();

 private:
  void drop(Hold const& hold);

  World& world_;
  std::function<void()> changed_ = [] {};
  std::vector<Hold> in_force_;
  std::vector<Hold> accepted_;
  storage::Change owed_;  ///< Not durable yet.
};

}  // namespace rekeyd::daemon
