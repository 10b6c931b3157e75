#include "tests/crash_points/io_boundaries.hpp"

#include <chrono>

namespace rekeyd::crash_points {

using namespace std::chrono_literals;

char const* to_text(Point point) {
  switch (point) {
    case Point::change:
      return "before a change of a file";
    case Point::lock:
      return "before a lock is taken or given back";
    case Point::send:
      return "before a request is sent";
    case Point::under_way:
      return "while a request is under way";
    case Point::effect:
      return "before the answer to a request is read";
  }
  return "?";
}

IoBoundaries::IoBoundaries(simulation::SimulatedDisk& disk, simulation::Network& network)
    : disk_(disk), network_(network) {
  using Boundary = simulation::SimulatedDisk::Boundary;
  disk_.on_boundary = [this](Boundary boundary) {
    meet(boundary == Boundary::lock ? Point::lock : Point::change);
  };
}

IoBoundaries::~IoBoundaries() {
  disk_.on_boundary = [](auto) {};
}

void IoBoundaries::begin_life(std::optional<Death> death) {
  death_ = death;
  points_.clear();
  counts_ = true;
  died_ = false;
}

/// True when the life ends here.
bool IoBoundaries::meet(Point point) {
  if (!counts_ || died_) return died_;
  points_.push_back(point);
  if (!death_ || death_->point + 1 != points_.size()) return false;
  died_ = true;
  disk_.die_at(0);
  return true;
}

bool IoBoundaries::send() {
  network_.chances = {};
  if (meet(Point::send)) return false;
  bool const dies_now = meet(Point::under_way);
  // The network asks for its chances right after this.
  if (dies_now && death_->late) {
    network_.chances.late = 1;
    network_.chances.late_max = 4min;
  }
  return true;
}

}  // namespace rekeyd::crash_points
