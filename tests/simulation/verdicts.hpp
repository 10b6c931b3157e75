#pragma once
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>

namespace rekeyd::simulation {

/// The invariants of crash-safe rotation, numbered as in docs/simulation.md.
enum class Invariant {
  due_dates = 1,        ///< No due date makes two versions; none is skipped while the provider is in reach.
  version_history = 2,  ///< Every provider version is in history once, with who made it.
  wrapped_deks = 3,     ///< Every WDEK unwraps to its own DEK at all times, and ends on the current version.
  stopped_vms = 4,      ///< No VM that we stopped stays stopped; none that was stopped is started.
  retirement = 5,       ///< No version is retired while anything is on it.
  restraint = 6,        ///< Never two rotations of a key at once, never over a floor or a brake.
  sound_storage = 7,    ///< The chain verifies and the database is sound after every crash.
  steady_dates = 8,     ///< A due date never moves by itself.
  one_owner = 9,        ///< One daemon a state directory.
  endings = 10,         ///< A rotation ends; nothing spins, nothing leaks.
};
char const* to_text(Invariant invariant);

/// Counts what is checked and keeps the first thing that was wrong.
class Verdicts {
 public:
  struct Broken {
    Invariant invariant{};
    std::string sentence;
  };

  /// `sentence()` tells what is wrong; it is made only then.
  template <std::invocable Sentence>
  void require(Invariant invariant, bool holds, Sentence&& sentence) {
    ++checks_;
    if (!holds) fail(invariant, sentence());
  }
  void fail(Invariant invariant, std::string sentence) {
    if (!broken_) broken_ = {invariant, std::move(sentence)};
  }

  std::uint64_t checks() const { return checks_; }
  std::optional<Broken> const& broken() const { return broken_; }

 private:
  std::uint64_t checks_{0};
  std::optional<Broken> broken_;
};

}  // namespace rekeyd::simulation
