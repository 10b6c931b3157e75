#include "providers/http/retry.hpp"

#include <algorithm>

namespace rekeyd::providers {
namespace {

bool may_pass(unsigned status) { return status == 408 || (status >= 500 && status != 501 && status <= 599); }

}  // namespace

AfterTry after_try(Result<HttpResponse> const& outcome, Repeatable repeatable) {
  if (!outcome) {
    auto const& error = outcome.error();
    if (error.error_class != ErrorClass::transient) return AfterTry::done;
    bool const untouched = error.delivery == Delivery::not_sent;
    return untouched || repeatable == Repeatable::yes ? AfterTry::again : AfterTry::done;
  }
  // Throttled is refused before anything was done: safe to repeat whatever the request was.
  if (outcome->status == 429) return AfterTry::pause_then_again;
  return may_pass(outcome->status) && repeatable == Repeatable::yes ? AfterTry::again : AfterTry::done;
}

std::chrono::milliseconds backoff(ApiLimits const& limits, int failures, double unit) {
  auto longest = std::min(limits.first_backoff, limits.backoff_max);
  for (int i = 1; i < failures && longest < limits.backoff_max; ++i)
    longest = std::min(longest * 2, limits.backoff_max);
  auto const half = longest / 2;
  return half + std::chrono::milliseconds(
                    static_cast<std::int64_t>(static_cast<double>((longest - half).count()) * unit));
}

}  // namespace rekeyd::providers
