#pragma once
#include "providers/http/api_client.hpp"
#include "tests/support/run_coroutine.hpp"
#include "tests/support/scripted_transport.hpp"
#include "tests/support/seeded_random.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>
#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// A client in virtual time and its scripted service.
namespace rekeyd::test::client {

using namespace rekeyd::providers;
using namespace std::chrono_literals;
namespace asio = boost::asio;

inline Instant const noon = parse_rfc3339("2026-03-01T12:00:00Z").value();

/// A client in virtual time whose service gives these outcomes in turn, the last one for ever.
struct World {
  std::deque<Result<HttpResponse>> outcomes;
  test::VirtualClock clock{noon};
  test::SeededRandom random{7};
  test::ScriptedTransport network;
  std::unique_ptr<ApiClient> client;
  asio::io_context io{1};

  explicit World(std::deque<Result<HttpResponse>> script, ApiLimits limits = {})
      : outcomes(std::move(script)),
        network(clock, [this](HttpRequest const&) { return next_outcome(); }),
        client(make_api_client(network, clock, random, limits)) {}

  Result<HttpResponse> next_outcome() {
    auto outcome = outcomes.front();
    if (outcomes.size() > 1) outcomes.pop_front();
    return outcome;
  }

  Result<HttpResponse> call(Repeatable repeatable, std::chrono::milliseconds patience = 10min,
                            std::string target = "/keys") {
    return test::run_coroutine(io, clock,
                               client->call(request(target), repeatable, clock.mono_now() + patience));
  }

  static HttpRequest request(std::string target) {
    HttpRequest wanted;
    wanted.method = "POST";
    wanted.endpoint.host = "kv1.vault.azure.net";
    wanted.target = std::move(target);
    wanted.body = "{}";
    return wanted;
  }

  std::chrono::milliseconds since_start() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(clock.mono_now() - start);
  }
  std::chrono::milliseconds sent_at(std::size_t i) const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(network.sent_at().at(i) - start);
  }
  Clock::Mono start{clock.mono_now()};
};

/// Calls that run side by side, with the outcome of each in its place.
struct Calls {
  struct Slot {
    std::optional<Result<HttpResponse>> outcome;
    asio::cancellation_signal stop;
  };
  std::list<Slot> slots;

  void start(World& world, std::string target, Repeatable repeatable = Repeatable::yes,
             std::chrono::milliseconds patience = 10min, Charges charges = {}) {
    auto& slot = slots.emplace_back();
    asio::co_spawn(world.io,
                   world.client->call(World::request(std::move(target)), repeatable,
                                      world.clock.mono_now() + patience, std::move(charges)),
                   asio::bind_cancellation_slot(
                       slot.stop.slot(), [&slot](std::exception_ptr thrown, Result<HttpResponse> outcome) {
                         if (thrown) std::rethrow_exception(thrown);
                         slot.outcome = std::move(outcome);
                       }));
  }
  bool all_ended() const {
    return std::ranges::all_of(slots, [](Slot const& slot) { return slot.outcome.has_value(); });
  }
  Slot& operator[](std::size_t i) { return *std::next(slots.begin(), static_cast<std::ptrdiff_t>(i)); }
};

inline std::vector<std::string> targets(World const& world) {
  std::vector<std::string> out;
  for (auto const& sent : world.network.sent()) out.push_back(sent.target);
  return out;
}

}  // namespace rekeyd::test::client
