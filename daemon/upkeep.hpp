#pragma once
#include "daemon/bell.hpp"
#include "daemon/fleet.hpp"
#include "daemon/group_commit.hpp"
#include "daemon/old_versions.hpp"
#include "daemon/stop_flag.hpp"
#include "daemon/world.hpp"
#include "policy/upkeep.hpp"

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace rekeyd::daemon {

/// Brings what one provider instance keeps for its keys beside their versions to what the policies say
/// (policy/upkeep.hpp). Looks at a key when it is told to, asks for one thing at a time, and takes a key in
/// hand meanwhile, so that no rotation begins under it. What is to be asked is on record before it goes out;
/// every task names a state, so after a crash it is asked for again or found done.
class Upkeep {
 public:
  /// `changed`: the fleet has changed. `clock_in_doubt`: grace times are over by a clock; nothing is set
  /// while that one may be wrong. `held`: no rotation of the key may begin now. `begins`: one is about to, at
  /// the provider.
  struct Links {
    std::function<void()> changed;
    std::function<bool()> clock_in_doubt;
    std::function<bool(TrackedKey const&)> held;
    std::function<void(TrackedKey const&)> begins;
  };
  /// `provider` names keys.
  Upkeep(World& world, Fleet& fleet, StopFlag const& stop, ProviderName provider, Links links);

  /// Until stopped.
  boost::asio::awaitable<void> run();
  /// Something of the key, or of all keys, may have changed: a rotation has ended, the provider has been
  /// read.
  void look_at(KeyRef const& key);
  void look_at_all();
  /// Policies have come into force: what could not be set is tried again at once.
  void start_anew();

  /// What could not be set, one sentence for each key. It is tried again after an hour, then after two, up to
  /// a day.
  std::vector<std::string> troubles() const;

 private:
  /// A task with all that goes out with it.
  struct Order {
    UpkeepTask task;
    std::map<std::string, std::string> tags;
    Instant asked{};
  };
  bool is_free(TrackedKey const& key) const;
  bool is_held(TrackedKey const& key, UpkeepTask const& task) const;
  boost::asio::awaitable<void> look(KeyRef key);
  boost::asio::awaitable<Result<void>> retire(TrackedKey& key);
  boost::asio::awaitable<Result<void>> carry_out(TrackedKey& key, UpkeepTask task);
  boost::asio::awaitable<Result<providers::Evidence>> act(KeyRef key, Order order);
  Result<std::map<std::string, std::string>> tags_for(KeyRef const& key, UpkeepTask const& task);
  boost::asio::awaitable<Result<void>> record(storage::Change change);
  boost::asio::awaitable<Result<void>> record_done(TrackedKey& key, Order order,
                                                   providers::Evidence evidence);

  World& world_;
  Fleet& fleet_;
  StopFlag const& stop_;
  ProviderName provider_;
  Links links_;
  OldVersions old_versions_;
  GroupCommit group_;
  Bell bell_;
  std::set<KeyRef> to_look_at_;
  struct Trouble {
    std::string text;
    int failures{};
    providers::Clock::Mono rest_until;
  };
  void note(KeyRef const& key, Result<void> const& kept);
  std::map<KeyRef, Trouble> troubles_;
};

}  // namespace rekeyd::daemon
