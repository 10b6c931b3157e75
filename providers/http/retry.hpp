#pragma once
#include "providers/http/api_client.hpp"

#include <chrono>
#include <optional>

namespace rekeyd::providers {

/// What to do after one try. Pure: the protocol's brain without hands.
enum class AfterTry {
  done,             ///< Hand the outcome to the caller.
  again,            ///< Wait, then send it once more.
  pause_then_again  ///< The service throttles: hold the whole instance, then send it once more.
};

/// Is another try allowed by what came of the last one? Counting tries and watching the deadline is the
/// caller's business.
AfterTry after_try(Result<HttpResponse> const& outcome, Repeatable repeatable);

/// How long to wait after the `failures`th failure in a row (from 1): doubling from the first, at most the
/// limit, and somewhere in its upper half by `unit` in [0, 1).
std::chrono::milliseconds backoff(ApiLimits const& limits, int failures, double unit);

}  // namespace rekeyd::providers
