#pragma once
#include "providers/http/quota.hpp"
#include "providers/http/transport.hpp"
#include "providers/system/random.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace rekeyd::providers {

/// May this request be sent again after it may have taken effect? Never yes for rotate, create or import.
enum class Repeatable { yes, no };

/// How hard one provider instance may be used, and how its failures are retried.
struct ApiLimits {
  unsigned in_flight_max{16};                      ///< Requests on their way at once.
  double requests_per_second{100};                 ///< Long-run rate; <= 0 means no limit.
  unsigned burst{50};                              ///< Requests that may go at once after a pause.
  int tries_max{5};                                ///< First try included.
  std::chrono::milliseconds call_timeout{30'000};  ///< One exchange.
  std::chrono::milliseconds first_backoff{500};    ///< Doubles; jittered by half.
  std::chrono::milliseconds backoff_max{30'000};
  std::chrono::seconds quota_patience{600};  ///< How long a call waits for a published limit, in all.
};

/// What calls to one provider instance cost so far. For status, metrics and the benchmark.
struct ApiCounters {
  std::uint64_t calls{}, retries{}, throttled{}, failed{};
  std::uint64_t waiting{};             ///< Calls that wait for a published limit now.
  std::chrono::milliseconds waited{};  ///< So long have calls waited for published limits, all together.
  bool operator==(ApiCounters const&) const = default;
};

/// Error::code of a call that was not sent because the published limits leave no room for it in time.
inline constexpr char over_published_limit[] = "over_published_limit";

/// What a provider instance's `Date` said, and when it said so: halfway between request and answer.
struct DateReading {
  Instant date{};
  Clock::Mono at{};                       ///< By Clock::boot_now().
  std::chrono::milliseconds half_trip{};  ///< How far `at` may be off.
};

/// The provider's time minus the machine's, now: the reading carried on by the clock that never steps, so
/// that it is right after somebody has set the machine's.
std::chrono::seconds clock_offset(DateReading const& reading, Clock const& clock);

/// Sends one provider instance's requests: waits for its concurrency and rate limits, retries what may be
/// retried (connection failures before the first byte; 429; and, if repeatable, 408, 5xx except 501 and lost
/// replies), honours Retry-After (seconds or a date) and never outlives the deadline. First come, first
/// served.
///
/// A call that names the published limits which it draws on (`charges`) keeps them with each of its tries; a
/// 429 pauses and lowers those limits, and else the whole instance. Its deadline counts from when it is sent:
/// what it waits for these limits is added. Waiting for the instance's own limits counts against it.
class ApiClient {
 public:
  virtual ~ApiClient() = default;
  /// Any final HTTP status is a success here; the caller knows what its service's bodies mean.
  virtual boost::asio::awaitable<Result<HttpResponse>> call(HttpRequest request, Repeatable repeatable,
                                                            Clock::Mono deadline, Charges charges) = 0;
  boost::asio::awaitable<Result<HttpResponse>> call(HttpRequest request, Repeatable repeatable,
                                                    Clock::Mono deadline) {
    return call(std::move(request), repeatable, deadline, Charges());
  }
  virtual ApiCounters counters() const = 0;
  /// The newest reading, if an answer carried a Date.
  virtual std::optional<DateReading> last_date() const = 0;
  /// `heard` is told each new reading, once a second at most, in the middle of a call.
  virtual void when_date_is_read(std::function<void(DateReading const&)> heard) = 0;
};

/// All referenced objects must outlive the client, and the client its calls: destroy the io_context first. A
/// final error's delivery speaks for all tries together: maybe_applied if any of them may have been.
std::unique_ptr<ApiClient> make_api_client(HttpTransport& transport, Clock& clock, Random& random,
                                           ApiLimits limits);

/// Retry-After as a delay from `now`: seconds or an HTTP date; nothing if absent or nonsense.
std::optional<std::chrono::seconds> parse_retry_after(std::string_view value, Instant now);

/// An HTTP date (RFC 9110 IMF-fixdate), or nothing.
std::optional<Instant> parse_http_date(std::string_view value);

}  // namespace rekeyd::providers
