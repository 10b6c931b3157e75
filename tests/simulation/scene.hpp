#pragma once
#include "config/settings.hpp"
#include "daemon/control/report.hpp"
#include "policy/match.hpp"
#include "policy/rotation.hpp"
#include "policy/rotation_policy.hpp"
#include "storage/store.hpp"
#include "storage/verify.hpp"
#include "tests/simulation/address_book.hpp"
#include "tests/simulation/network.hpp"
#include "tests/simulation/truth.hpp"
#include "tests/simulation/universe.hpp"
#include "tests/simulation/verdicts.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace rekeyd::simulation {

/// What the daemon has made durable, gathered from its commits and not from its database.
struct OnRecord {
  std::map<std::string, Rotation> rotations;              ///< By id, as last committed.
  std::map<std::string, std::set<std::string>> open_of;   ///< Key → ids of its unfinished rotations.
  std::map<std::string, std::set<std::string>> intended;  ///< Key → rotations with a step that was intended.
  std::map<std::string, RootKey> keys;
  std::set<std::string> replaced;  ///< Keys whose place another has taken.
};

/// Everything that an invariant may look at.
struct Scene {
  Universe& universe;
  Truth& truth;
  Verdicts& verdicts;
  AddressBook const& addresses;
  config::Settings const& settings;
  std::chrono::seconds clock_error_max{0};
  std::shared_ptr<PolicySet const> policies = std::make_shared<PolicySet const>();  ///< In force,
  Instant policies_since{};  ///< since this moment of true time.
  /// What the daemon says of its keys; empty between two lives.
  std::function<std::vector<daemon::KeyReport>()> reports{};
  std::uint64_t life{0};
  OnRecord on_record;
  /// Since when the daemon has lived and the cloud could be reached, without a break.
  std::map<std::string, providers::Clock::Mono> calm_since{};
  bool at_peace{false};  ///< Nothing goes wrong any more.
  /// What is left of the database between two lives.
  Result<storage::VerifyReport> database{std::unexpect};
  std::int64_t events_durable{0};
  /// A change that was on its way to the disk when that died: there or not, and whole.
  std::optional<storage::Change> uncertain{};
  /// Changes of that kind that are there after the process alone has died: durable with the next commit, and
  /// perhaps lost with the power before that. Oldest first.
  std::vector<storage::Change> at_risk{};
  std::int64_t events_at_risk() const;
  /// After a death: what is left of the database, and of the changes that were on their way to it.
  void examine_database(std::string const& vfs);

  std::optional<AppliedPolicy> policy_of(RootKey const& key) const;
  /// The unfinished rotation of the key as it is on record, or null.
  Rotation const* open_rotation(std::string const& key) const;
  /// Fills in which key a letter would make a version of, and the rotation that it belongs to.
  void address(Letter& letter) const;
  /// The moment at which a key with these versions is due by an applied policy, by the simulation's own
  /// calendar. `up_to`: the version that is taken for the current one; nothing when the clouds have no such.
  std::optional<Instant> due(std::string const& key, std::string const& up_to,
                             AppliedPolicy const& applied) const;
  void note(storage::Change const& change);
};

}  // namespace rekeyd::simulation
