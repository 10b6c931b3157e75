#pragma once
#include "tests/simulation/simulated_clock.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace rekeyd::simulation {

/// What happened, a line an event: the moment in true time, the number of handlers run so far, and words. The
/// last lines are kept for a report; the whole text only when asked for. The same seed gives the same text.
class Trace {
 public:
  Trace(SimulatedClock const& clock, bool whole) : clock_(clock), keeps_whole_(whole) { ring_.resize(kept); }

  void line(std::string words);
  void count_handler() { ++handlers_; }
  std::uint64_t handlers() const { return handlers_; }

  /// Oldest first.
  std::vector<std::string> last(std::size_t lines) const;
  std::string const& whole() const { return whole_; }
  bool keeps_whole() const { return keeps_whole_; }

 private:
  struct Line {
    providers::Clock::Mono at;
    Instant true_time;
    std::uint64_t handlers{};
    std::string words;
  };
  static std::string text(Line const& line);

  static constexpr std::size_t kept = 400;
  SimulatedClock const& clock_;
  bool keeps_whole_;
  std::uint64_t handlers_{0};
  std::uint64_t lines_{0};
  std::vector<Line> ring_;
  std::string whole_;
};

}  // namespace rekeyd::simulation
