#pragma once
#include "policy/instant.hpp"

#include <optional>
#include <string>

namespace rekeyd::sim::ibm {

/// A limit of requests per instance. The service publishes neither its limit nor whether it sends
/// Retry-After, so a world chooses both. The bucket fills at `per_second` up to `burst`.
struct Throttle {
  enum class RetryAfter { absent, seconds, date };

  double per_second{0};  ///< 0: no limit.
  double burst{1};
  RetryAfter retry_after{RetryAfter::seconds};

  /// Takes one request from the bucket. False: refuse it.
  bool admit(Instant now);
  /// The Retry-After value for a request that was refused at `now`, unless it is absent.
  std::optional<std::string> hint(Instant now) const;

  double available{-1};  ///< -1: not asked yet, so full.
  Instant filled_at{};
};

}  // namespace rekeyd::sim::ibm
