#pragma once
#include "providers/http/transport.hpp"

#include <chrono>
#include <functional>
#include <vector>

namespace rekeyd::test {

/// A network whose far side is a function. Keeps what it was sent, takes `latency` of its clock for each
/// exchange, and honours deadlines and cancellation as the real one does: an exchange that ends early is
/// maybe_applied, for the far side has seen it.
class ScriptedTransport final : public providers::HttpTransport {
 public:
  using Script = std::function<Result<providers::HttpResponse>(providers::HttpRequest const&)>;

  ScriptedTransport(providers::Clock& clock, Script script) : clock_(clock), script_(std::move(script)) {}

  boost::asio::awaitable<Result<providers::HttpResponse>> exchange(providers::HttpRequest request,
                                                                   providers::Clock::Mono deadline) override;
  boost::asio::awaitable<void> close() override;

  /// Requests in the order in which they arrived, and when.
  std::vector<providers::HttpRequest> const& sent() const { return sent_; }
  std::vector<providers::Clock::Mono> const& sent_at() const { return sent_at_; }
  unsigned in_flight() const { return in_flight_; }
  unsigned in_flight_max() const { return in_flight_max_; }
  bool closed() const { return closed_; }

  std::chrono::milliseconds latency{0};

 private:
  providers::Clock& clock_;
  Script script_;
  std::vector<providers::HttpRequest> sent_;
  std::vector<providers::Clock::Mono> sent_at_;
  unsigned in_flight_{0}, in_flight_max_{0};
  bool closed_{false};
};

/// A response in one expression: answer(200, "{}"), answer(429, "", {{"Retry-After", "3"}}).
providers::HttpResponse answer(unsigned status, std::string_view body = {}, providers::Headers headers = {});
/// An Error of the network.
std::unexpected<Error> network_error(Delivery delivery, ErrorClass error_class = ErrorClass::transient);

}  // namespace rekeyd::test
