#include "tests/workflow/model_transport.hpp"

#include "providers/http/deadline.hpp"

#include <date/date.h>

#include <algorithm>
#include <utility>

namespace rekeyd::test {

namespace asio = boost::asio;
using providers::HttpRequest;
using providers::HttpResponse;

namespace {

Error network_error(Delivery delivery, std::string what, HttpRequest const& request) {
  Error error;
  error.error_class = ErrorClass::transient;
  error.delivery = delivery;
  error.what = std::move(what);
  error.where = request.method + " " + request.endpoint.text() + request.target;
  return error;
}

std::string http_date(Instant instant) { return date::format("%a, %d %b %Y %T GMT", instant); }

sim::Request as_model_request(HttpRequest const& request) {
  sim::Request sent;
  sent.method = request.method;
  sent.host = request.endpoint.host;
  sent.authority = request.endpoint.host_header();
  sent.target = request.target;
  sent.headers = request.headers;
  sent.body.assign(request.body.begin(), request.body.end());
  return sent;
}

}  // namespace

asio::awaitable<Result<HttpResponse>> ModelTransport::exchange(HttpRequest request,
                                                               providers::Clock::Mono deadline) {
  std::string where = request.method + " " + request.endpoint.text() + request.target;
  auto travelling = travel(std::move(request));
  Result<HttpResponse> response = co_await providers::with_deadline<HttpResponse>(
      clock_, deadline, Delivery::maybe_applied, std::move(where), std::move(travelling));
  co_return response;
}

asio::awaitable<Result<HttpResponse>> ModelTransport::travel(HttpRequest request) {
  if (unreachable(request.endpoint.host)) {
    co_return std::unexpected(network_error(Delivery::not_sent, "nobody answers", request));
  }
  sent_.push_back(request.method + " " + request.endpoint.host + request.target);
  Instant const clouds_now = clock_.wall_now() - machine_fast;
  sim::Delivery delivery = cloud_.handle(as_model_request(request), clouds_now);
  auto const arrives = clock_.mono_now() + latency + delivery.delay;
  co_await clock_.sleep_until(arrives);
  if (delivery.cut != sim::Cut::none) {
    co_return std::unexpected(network_error(Delivery::maybe_applied, "the connection was reset", request));
  }
  constexpr std::size_t body_bytes_max = 8 << 20;
  if (delivery.answer.body.size() > body_bytes_max) {
    Error error = network_error(Delivery::maybe_applied, "the answer is larger than 8 MiB", request);
    error.error_class = ErrorClass::malformed;
    co_return std::unexpected(std::move(error));
  }
  HttpResponse response;
  response.status = delivery.answer.status;
  response.headers = delivery.answer.headers;
  for (auto& [name, value] : response.headers) {
    if (name == "Date") value = http_date(clouds_now + date_off(request.endpoint.host));
  }
  response.body.assign(delivery.answer.body.begin(), delivery.answer.body.end());
  co_return response;
}

asio::awaitable<void> ModelTransport::close() { co_return; }

std::size_t ModelTransport::count(std::string const& prefix) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(sent_, [&](std::string const& line) { return line.starts_with(prefix); }));
}

}  // namespace rekeyd::test
