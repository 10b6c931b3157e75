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

Error over_limit(HttpRequest const& request, Clock::Mono::duration room_in) {
  constexpr Clock::Mono::duration longest = std::chrono::hours(1);
  auto error =
      not_sent(ErrorClass::transient,
               "the provider's published limits leave no room for the call within its patience", request);
  error.code = over_published_limit;
  error.retry_after = std::chrono::ceil<std::chrono::seconds>(
      std::clamp(room_in, Clock::Mono::duration(std::chrono::seconds(1)), longest));
  error.remedy = "nothing: it is tried again; docs/limits.md tells how much of the limits rekeyd takes";
  return error;
}

bool is_over_limit(Result<HttpResponse> const& outcome) {
  return !outcome && outcome.error().code == over_published_limit;
}

// One more waits for a published limit, as long as this lives.
class Waiting {
 public:
  explicit Waiting(ApiCounters& counters) : counters_(counters) { ++counters_.waiting; }
  ~Waiting() { --counters_.waiting; }
  Waiting(Waiting const&) = delete;
  Waiting& operator=(Waiting const&) = delete;

 private:
  ApiCounters& counters_;
};

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

  asio::awaitable<Result<HttpResponse>> call(HttpRequest request, Repeatable repeatable, Clock::Mono deadline,
                                             Charges charges) override;
  ApiCounters counters() const override;
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
    Charges charges;
    Admission::Ticket ticket{};
    TicketLine::Ticket quota_ticket{};
    Clock::Mono::duration waited{};  ///< For published limits.
    int tries{0};
    bool maybe_applied{false};  ///< By this try or an earlier one.
  };

  asio::awaitable<Result<HttpResponse>> try_until_settled(Call& ongoing);
  asio::awaitable<Result<HttpResponse>> try_once(Call& ongoing);
  asio::awaitable<Result<QuotaPass>> take_quota(Call& ongoing);
  std::optional<Clock::Mono> next_try(Call const& ongoing, Result<HttpResponse> const& outcome);
  void note(Result<HttpResponse> const& outcome, Clock::Mono sent);

  HttpTransport& transport_;
  Clock& clock_;
  Random& random_;
  ApiLimits limits_;
  Admission door_;
  ApiCounters counters_;
  Clock::Mono::duration waited_{};
  std::optional<DateReading> last_date_;
  std::string last_date_text_;
  std::function<void(DateReading const&)> heard_;
};

ApiCounters PacedApiClient::counters() const {
  ApiCounters counters = counters_;
  counters.waited = std::chrono::duration_cast<std::chrono::milliseconds>(waited_);
  return counters;
}

asio::awaitable<Result<HttpResponse>> PacedApiClient::call(HttpRequest request, Repeatable repeatable,
                                                           Clock::Mono deadline, Charges charges) {
  ++counters_.calls;
  Call ongoing;
  ongoing.request = std::move(request);
  ongoing.repeatable = repeatable;
  ongoing.deadline = deadline;
  ongoing.charges = std::move(charges);
  ongoing.ticket = door_.draw_ticket();
  if (!ongoing.charges.empty()) {
    ongoing.quota_ticket = ongoing.charges.front().allowance->line->draw_ticket();
  }
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

// The patience of the call goes on only once it may be sent: it is for the service's answer.
asio::awaitable<Result<QuotaPass>> PacedApiClient::take_quota(Call& ongoing) {
  if (ongoing.charges.empty()) co_return QuotaPass();
  auto const since = clock_.mono_now();
  auto const latest = since + limits_.quota_patience - ongoing.waited;
  Waiting const waiting(counters_);
  QuotaAnswer answer = co_await enter(clock_, ongoing.charges, ongoing.quota_ticket, latest);
  auto const waited = clock_.mono_now() - since;
  ongoing.waited += waited;
  if (ongoing.deadline < Clock::Mono::max() - waited) ongoing.deadline += waited;
  waited_ += waited;
  if (answer.pass) co_return std::move(answer.pass);
  co_return std::unexpected(over_limit(ongoing.request, answer.not_before - clock_.mono_now()));
}

asio::awaitable<Result<HttpResponse>> PacedApiClient::try_once(Call& ongoing) {
  auto const quota = co_await take_quota(ongoing);
  if (!quota) co_return std::unexpected(quota.error());
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
  if (verdict == AfterTry::done || is_over_limit(outcome)) return std::nullopt;
  auto const now = clock_.mono_now();
  std::chrono::milliseconds wait = backoff(limits_, ongoing.tries, random_.unit());
  if (outcome) {
    auto const asked = parse_retry_after(outcome->header("Retry-After"), clock_.wall_now());
    if (asked) wait = std::max<std::chrono::milliseconds>(wait, *asked);
  }
  auto const again_at = now + wait;
  if (verdict == AfterTry::pause_then_again && ongoing.charges.empty()) door_.pause(again_at);
  if (outcome) refused(ongoing.charges, outcome->status, now, again_at);
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
