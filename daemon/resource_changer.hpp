#pragma once
#include "daemon/group_commit.hpp"
#include "daemon/moving_resource.hpp"
#include "daemon/step_outcomes.hpp"
#include "daemon/stop_flag.hpp"
#include "daemon/world.hpp"

#include <optional>

namespace rekeyd::daemon {

/// Names a new key version to one resource, and follows that to its end: what is asked for is on record
/// before it goes out, and what its provider says of the change is asked for until it is over, in this life
/// or the next.
class ResourceChanger {
 public:
  static constexpr int changes_max = 5;

  ResourceChanger(World& world, StopFlag const& stop)
      : world_(world), stop_(stop), group_(world.executor, world.store, world.committing) {}

  /// Gives the resource what it needs before the version can be named to it. Nothing: it has that, or it is
  /// gone.
  boost::asio::awaitable<std::optional<StepOutcome>> prepare(MovingResource& move);
  /// Nothing: the resource is where it belongs, or it is gone. What was read of it last is in `move`.
  boost::asio::awaitable<std::optional<StepOutcome>> ask(MovingResource& move);
  /// To the end of what was asked, or of our patience: then the next try goes on from what is on record.
  boost::asio::awaitable<std::optional<StepOutcome>> follow(MovingResource& move,
                                                            storage::ResourceChange asked,
                                                            std::chrono::seconds ask_after);

 private:
  /// What a resource shows when the operation that changes it is over.
  struct Arrival {
    enum class State { settling, over, gone };
    State state{State::over};
    std::optional<Error> failure{};  ///< Over, and not where it belongs.
  };
  boost::asio::awaitable<std::optional<StepOutcome>> request(MovingResource& move, bool prepares);
  boost::asio::awaitable<Result<Arrival>> arrival(MovingResource& move, storage::ResourceChange const& asked,
                                                  providers::ChangeProgress::State state);
  boost::asio::awaitable<Result<providers::ChangeProgress>> progress_of(MovingResource& move,
                                                                        storage::ResourceChange const& asked);
  bool only_seems_to_change(storage::ResourceChange const& asked, providers::ChangeProgress::State state,
                            std::optional<providers::Clock::Mono> over_since) const;
  boost::asio::awaitable<std::optional<StepOutcome>> ended(MovingResource& move,
                                                           storage::ResourceChange asked,
                                                           std::optional<Error> failure);
  /// On record, and in `move`, where it takes the place of what it was before.
  boost::asio::awaitable<Result<void>> keep(MovingResource& move, storage::ResourceChange const& asked);

  World& world_;
  StopFlag const& stop_;
  GroupCommit group_;
};

}  // namespace rekeyd::daemon
