#include "providers/http/api_client.hpp"

#include "providers/http/admission.hpp"
#include "providers/http/retry.hpp"
#include "providers/http/wire_request.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rekeyd::providers {
namespace {

namespace asio = boost::asio;

Error not_sent(ErrorClass error_class, std::string what, HttpRequest const& request) {
  Error error;
  error.error_class = error_class;
  error.delivery = Delivery::not_sent;
  error.what = std::move(what);
  error.where = where_of(request);
  return error;
}

// A server's 5xx or 408 leaves open what it did before; any other answer is its word.
bool may_have_acted(Result<HttpResponse> const& outcome) {
  if (!outcome) return outcome.error().delivery == Delivery::maybe_applied;
  return outcome->status == 408 || outcome->status >= 500;
}

class PacedApiClient final : public ApiClient {
 public:
  PacedApiClient(HttpTransport& transport, Clock& clock, Random& random, ApiLimits limits)
      : transport_(transport),
        clock_(clock),
        random_(random),
        limits_(limits),
        door_(clock, limits.in_flight_max,
              Pacing(limits.requests_per_second, limits.burst, clock.mono_now())) {}

  asio::awaitable<Result<HttpResponse>> call(HttpRequest request, Repeatable repeatable,
                                             Clock::Mono deadline) override;
  ApiCounters counters() const override { return counters_; }
  std::optional<DateReading> last_date() const override { return last_date_; }
  void when_date_is_read(std::function<void(DateReading const&)> heard) override {
    heard_ = std::move(heard);
  }

 private:
  // One call with all its tries; what is known of it survives a cancellation.
  struct Call {
    HttpRequest request;
    Repeatable repeatable{};
    Clock::Mono deadline;
    Admission::Ticket ticket{};
    int tries{0};
    bool maybe_applied{false};  ///< By this try or an earlier one.
  };

  asio::awaitable<Result<HttpResponse>> try_until_settled(Call& ongoing);
  asio::awaitable<Result<HttpResponse>> try_once(Call& ongoing);
  std::optional<Clock::Mono> next_try(Call const& ongoing, Result<HttpResponse> const& outcome);
  void note(Result<HttpResponse> const& outcome, Clock::Mono sent);

  HttpTransport& transport_;
  Clock& clock_;
  Random& random_;
  ApiLimits limits_;
  Admission door_;
  ApiCounters counters_;
  std::optional<DateReading> last_date_;
  std::string last_date_text_;
  std::function<void(DateReading const&)> heard_;
};

asio::awaitable<Result<HttpResponse>> PacedApiClient::call(HttpRequest request, Repeatable repeatable,
                                                           Clock::Mono deadline) {
  ++counters_.calls;
  Call ongoing;
  ongoing.request = std::move(request);
  ongoing.repeatable = repeatable;
  ongoing.deadline = deadline;
  ongoing.ticket = door_.draw_ticket();
  Result<HttpResponse> outcome;
  try {
    outcome = co_await try_until_settled(ongoing);
  } catch (boost::system::system_error const& ended) {
    if (ended.code() != asio::error::operation_aborted) throw;
    outcome = std::unexpected(not_sent(ErrorClass::cancelled, "the call was cancelled", ongoing.request));
  }
  if (outcome) co_return outcome;
  ++counters_.failed;
  if (ongoing.maybe_applied) outcome.error().delivery = Delivery::maybe_applied;
  if (ongoing.tries > 1) outcome.error().what += fmt::format(" (tried {} times)", ongoing.tries);
  co_return outcome;
}

asio::awaitable<Result<HttpResponse>> PacedApiClient::try_until_settled(Call& ongoing) {
  for (;;) {
    auto outcome = co_await try_once(ongoing);
    auto const again_at = next_try(ongoing, outcome);
    if (!again_at) co_return outcome;
    ++counters_.retries;
    if (*again_at > clock_.mono_now()) co_await clock_.sleep_until(*again_at);
  }
}

asio::awaitable<Result<HttpResponse>> PacedApiClient::try_once(Call& ongoing) {
  auto const pass = co_await door_.enter(ongoing.ticket, ongoing.deadline);
  if (!pass) {
    auto error =
        not_sent(ErrorClass::transient, "the call waited for its turn until its deadline", ongoing.request);
    co_return std::unexpected(std::move(error));
  }
  ++ongoing.tries;
  auto const exchange_deadline = std::min(ongoing.deadline, clock_.mono_now() + limits_.call_timeout);
  HttpRequest request = ongoing.request;
  bool const before = std::exchange(ongoing.maybe_applied, true);
  auto const sent = clock_.boot_now();
  auto outcome = co_await transport_.exchange(std::move(request), exchange_deadline);
  ongoing.maybe_applied = before || may_have_acted(outcome);
  note(outcome, sent);
  co_return outcome;
}

void PacedApiClient::note(Result<HttpResponse> const& outcome, Clock::Mono sent) {
  if (!outcome) return;
  if (outcome->status == 429) ++counters_.throttled;
  // One reading a second is enough, and reading a date costs as much as reading the rest of the head.
  auto const date_text = outcome->header("Date");
  if (date_text == last_date_text_) return;
  last_date_text_ = date_text;
  auto const date = parse_http_date(date_text);
  if (!date) return;
  auto const half_trip = (clock_.boot_now() - sent) / 2;
  last_date_ = DateReading{
      .date = *date,
      .at = sent + half_trip,
      .half_trip = std::chrono::ceil<std::chrono::milliseconds>(half_trip),
  };
  if (heard_) heard_(*last_date_);
}

// Nothing if the outcome is the last: final by its nature, no try left, or no time left for one.
std::optional<Clock::Mono> PacedApiClient::next_try(Call const& ongoing,
                                                    Result<HttpResponse> const& outcome) {
  auto const verdict = after_try(outcome, ongoing.repeatable);
  if (verdict == AfterTry::done) return std::nullopt;
  auto const now = clock_.mono_now();
  std::chrono::milliseconds wait = backoff(limits_, ongoing.tries, random_.unit());
  if (outcome) {
    auto const asked = parse_retry_after(outcome->header("Retry-After"), clock_.wall_now());
    if (asked) wait = std::max<std::chrono::milliseconds>(wait, *asked);
  }
  auto const again_at = now + wait;
  if (verdict == AfterTry::pause_then_again) door_.pause(again_at);
  bool const in_time = ongoing.tries < limits_.tries_max && again_at < ongoing.deadline;
  return in_time ? std::optional(again_at) : std::nullopt;
}

}  // namespace

std::chrono::seconds clock_offset(DateReading const& reading, Clock const& clock) {
  auto const since = std::chrono::round<std::chrono::seconds>(clock.boot_now() - reading.at);
  return reading.date + since - clock.wall_now();
}

std::unique_ptr<ApiClient> make_api_client(HttpTransport& transport, Clock& clock, Random& random,
                                           ApiLimits limits) {
  return std::make_unique<PacedApiClient>(transport, clock, random, limits);
}

}  // namespace rekeyd::providers
