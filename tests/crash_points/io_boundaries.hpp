#pragma once
#include "tests/simulation/disk/simulated_disk.hpp"
#include "tests/simulation/network.hpp"

#include <cstddef>
#include <optional>
#include <vector>

namespace rekeyd::crash_points {

/// A moment at which a process can end with a trace of its own outside it. What a process does between two of
/// them leaves none: to die after one is to die before the next.
enum class Point {
  change,     ///< Before a change of a file: write, truncation, sync, creation, removal, rename, mode.
  lock,       ///< Before a lock is taken or given back.
  send,       ///< Before a request goes out.
  under_way,  ///< It is on its way and will take effect though its sender is dead.
  effect,     ///< It took effect; nobody reads the answer.
};

char const* to_text(Point point);

/// The end of a life, at the point of that number (from 0) of that life.
struct Death {
  std::size_t point{};
  bool power{};  ///< The machine loses power: what was not synced is lost, kept or torn.
  bool late{};   ///< A request that is under way arrives only when the next life has long begun.
};

/// Counts the points of one life after the other, and ends a life where it is told to: from that very moment
/// nothing of it reaches the disk or the clouds any more.
class IoBoundaries {
 public:
  /// Takes its place at the hooks of both, which outlive it.
  IoBoundaries(simulation::SimulatedDisk& disk, simulation::Network& network);
  IoBoundaries(IoBoundaries const&) = delete;
  IoBoundaries& operator=(IoBoundaries const&) = delete;
  ~IoBoundaries();

  void begin_life(std::optional<Death> death);
  /// From here on nothing counts: the life is to end in order, or has come to its rest.
  void stop_counting() { counts_ = false; }
  /// It has come to where it was to die.
  bool died() const { return died_; }
  /// Of this life, in their order.
  std::vector<Point> const& points() const { return points_; }

  /// A request is about to be sent; false: its sender is dead.
  bool send();
  /// A request of this life took effect.
  void took_effect() { meet(Point::effect); }

 private:
  bool meet(Point point);

  simulation::SimulatedDisk& disk_;
  simulation::Network& network_;
  std::optional<Death> death_;
  std::vector<Point> points_;
  bool counts_{false};
  bool died_{false};
};

}  // namespace rekeyd::crash_points
