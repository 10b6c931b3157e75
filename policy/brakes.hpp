#pragma once
#include "policy/hold.hpp"
#include "policy/key_status.hpp"
#include "policy/rotation.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

/// What keeps scheduled rotations from beginning although keys are due, as pure functions. The daemon gathers
/// the facts and keeps them durable (daemon/brakes.hpp).
namespace rekeyd {

/// How much one provider instance or one policy may do, and when it stops. Caps that are absent: only the
/// caps over all keys count.
struct RotationLimits {
  std::optional<unsigned> in_flight;  ///< Rotations at once.
  std::optional<unsigned> per_hour;   ///< Rotations begun in any hour.
  unsigned stop_after_failures{5};    ///< Rotations that fail one after the other open the circuit.
  bool operator==(RotationLimits const&) const = default;
};

/// One cap and what is used of it.
struct CapUse {
  BrakeScope scope;
  std::optional<unsigned> in_flight_max;
  unsigned in_flight{};
  std::optional<Instant> hour_free_at;  ///< Set while the cap per hour is used up.
};

/// The brakes as they are at one moment, for the keys of one provider instance under one policy.
struct BrakeFacts {
  std::vector<Hold> holds;  ///< Those in force that cover these keys.
  bool clock_checked{};     ///< The provider instance has told its time since the daemon started.
  std::vector<CapUse> caps;
};

/// Why a scheduled rotation may not begin now.
struct Braked {
  WaitsFor waits_for{};
  std::string reason;    ///< A word for machines.
  std::string sentence;  ///< For people.
  std::optional<Instant> next_try;
};

/// The first brake that applies, in an order that tells the weightiest first; nothing if none does.
std::optional<Braked> braked(BrakeFacts const& facts, Instant now);
/// Whether all places for rotations at once are taken: what an unfinished rotation waits for, too.
bool in_flight_full(BrakeFacts const& facts);

/// Does this ending of a step count toward the circuit breaker? What says that the provider, the credential
/// or our way of rotating is ill does; a refusal that concerns one key before anything was made, our own disk
/// and our own stopping do not.
bool counts_as_failure(ErrorClass error_class, bool version_made);

/// How long the circuit stays open after `failed_probes` probes have failed: 15 minutes, doubling to 4 hours.
std::chrono::seconds probe_delay(unsigned failed_probes);

/// What is too much to become due at once.
struct StormLimit {
  unsigned percent{20};  ///< More than this share of the fleet,
  unsigned keys{5};      ///< and at least so many keys.
};
bool is_storm(std::size_t newly_due, std::size_t fleet, StormLimit limit);

/// Further than this apart, two clocks disagree.
inline constexpr std::chrono::seconds clock_tolerance = std::chrono::minutes(5);
/// `difference` of two readings, each true to within `uncertainty`.
bool clocks_disagree(std::chrono::seconds difference, std::chrono::seconds uncertainty);

}  // namespace rekeyd
