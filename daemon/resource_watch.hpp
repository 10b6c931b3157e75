#pragma once
#include "daemon/fleet.hpp"
#include "daemon/rotator.hpp"
#include "daemon/stop_flag.hpp"
#include "daemon/world.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <vector>

namespace rekeyd::daemon {

/// Keeps what we know of one provider instance's resources true: surveys them, records what differs, and has
/// those that were left on an older version follow their key.
///
/// What a survey says of a key is let pass while a rotation moves its resources, or did so during the survey:
/// the rotation reads and tells them itself. Resources of keys that no inventory has read yet wait
/// for the next survey, which comes soon.
class ResourceWatch {
 public:
  /// `instance` names resources. `changed`: the fleet has changed.
  ResourceWatch(World& world, Fleet& fleet, Rotator& rotator, StopFlag const& stop, ProviderName provider,
                std::chrono::seconds every, std::function<void()> changed);

  /// Surveys now and then at the given interval until stopped; sooner, with back-off, while one fails.
  boost::asio::awaitable<void> run();
  /// One survey. True when it was complete and every resource's key was known.
  boost::asio::awaitable<bool> look();

 private:
  struct Differences;
  bool is_read(KeyRef const& key) const;
  bool out_of_hand(KeyRef const& key, providers::Clock::Mono surveyed) const;
  Result<bool> record(providers::ResourceSurvey const& survey, providers::Clock::Mono surveyed);
  Result<Differences> compare(providers::ResourceSurvey const& survey, providers::Clock::Mono surveyed);
  Result<void> follow_drift(std::vector<Registration> const& before, std::vector<Registration> const& now,
                            storage::Change& change, std::vector<Rotation>& followers);
  void remember_error(Error const& error);

  World& world_;
  Fleet& fleet_;
  Rotator& rotator_;
  StopFlag const& stop_;
  ProviderName provider_;
  std::chrono::seconds every_;
  std::function<void()> changed_;
  int failures_{};
};

}  // namespace rekeyd::daemon
