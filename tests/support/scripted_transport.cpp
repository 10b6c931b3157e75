#include "tests/support/scripted_transport.hpp"

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>

namespace rekeyd::test {

using namespace providers;
namespace asio = boost::asio;

namespace {

struct InFlight {
  explicit InFlight(unsigned& counted) : count(counted) { ++count; }
  ~InFlight() { --count; }
  InFlight(InFlight const&) = delete;
  InFlight& operator=(InFlight const&) = delete;
  unsigned& count;
};

// False if the sleep was cancelled.
asio::awaitable<bool> slept(Clock& clock, Clock::Mono until) {
  try {
    co_await clock.sleep_until(until);
  } catch (boost::system::system_error const& ended) {
    if (ended.code() != asio::error::operation_aborted) throw;
    co_return false;
  }
  co_return true;
}

}  // namespace

asio::awaitable<Result<HttpResponse>> ScriptedTransport::exchange(HttpRequest request, Clock::Mono deadline) {
  InFlight const in_flight(in_flight_);
  in_flight_max_ = std::max(in_flight_max_, in_flight_);
  sent_at_.push_back(clock_.mono_now());
  sent_.push_back(request);
  auto const answered_at = clock_.mono_now() + latency;
  if (latency.count() > 0) {
    bool const whole = co_await slept(clock_, std::min(answered_at, deadline));
    if (!whole) co_return network_error(Delivery::maybe_applied, ErrorClass::cancelled);
    if (answered_at > deadline) co_return network_error(Delivery::maybe_applied);
  }
  co_return script_(request);
}

asio::awaitable<void> ScriptedTransport::close() {
  closed_ = true;
  co_return;
}

HttpResponse answer(unsigned status, std::string_view body, Headers headers) {
  HttpResponse response;
  response.status = status;
  response.headers = std::move(headers);
  response.body = Body(body);
  return response;
}

std::unexpected<Error> network_error(Delivery delivery, ErrorClass error_class) {
  Error error;
  error.error_class = error_class;
  error.delivery = delivery;
  error.what = "the network failed";
  error.where = "test";
  return std::unexpected(std::move(error));
}

}  // namespace rekeyd::test
