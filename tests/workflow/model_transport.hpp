#pragma once
#include "providers/http/transport.hpp"
#include "tests/simulator/cloud.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace rekeyd::test {

/// The network between the daemon and the model of the clouds. The model is a world of its own: a request
/// that has been sent takes effect although its sender is gone. Carries out the model's delays and cuts.
class ModelTransport final : public providers::HttpTransport {
 public:
  ModelTransport(providers::Clock& clock, sim::Cloud& cloud) : clock_(clock), cloud_(cloud) {}

  boost::asio::awaitable<Result<providers::HttpResponse>> exchange(providers::HttpRequest request,
                                                                   providers::Clock::Mono deadline) override;
  boost::asio::awaitable<void> close() override;

  /// Nobody answers while this is set: what an unreachable provider looks like.
  std::function<bool(std::string const& host)> unreachable = [](std::string const&) { return false; };
  /// "METHOD host/path" of everything that reached the model.
  std::vector<std::string> const& sent() const { return sent_; }
  /// How many of them begin with `prefix`.
  std::size_t count(std::string const& prefix) const;

  std::chrono::milliseconds latency{5};
  /// How much the machine's wall clock is ahead of the clouds'.
  std::chrono::seconds machine_fast{};
  /// What `Date` an answer of a host carries beyond the clouds' time.
  std::function<std::chrono::seconds(std::string const& host)> date_off = [](std::string const&) {
    return std::chrono::seconds(0);
  };

 private:
  boost::asio::awaitable<Result<providers::HttpResponse>> travel(providers::HttpRequest request);

  providers::Clock& clock_;
  sim::Cloud& cloud_;
  std::vector<std::string> sent_;
};

}  // namespace rekeyd::test
