#include "tests/simulation/network.hpp"

#include "providers/http/deadline.hpp"

#include <fmt/compile.h>
#include <fmt/format.h>

namespace rekeyd::simulation {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using providers::HttpRequest;
using providers::HttpResponse;

namespace {

Error network_error(Delivery delivery, std::string what, std::string where) {
  Error error;
  error.error_class = ErrorClass::transient;
  error.delivery = delivery;
  error.what = std::move(what);
  error.where = std::move(where);
  return error;
}

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

Network::Network(Universe& universe, sim::Cloud& cloud)
    : universe_(universe), cloud_(cloud), waiting_(universe.ready) {}

void Network::cut_off(std::string const& host, providers::Clock::Mono until) { outages_[host] = until; }

bool Network::is_cut_off(std::string const& host) const {
  auto const found = outages_.find(host);
  return found != outages_.end() && found->second > universe_.clock.mono_now();
}

asio::awaitable<Result<HttpResponse>> Network::exchange(std::uint64_t life, HttpRequest request,
                                                        providers::Clock::Mono deadline) {
  std::string where = request.method + " " + request.endpoint.text() + request.target;
  auto travelling = travel(life, std::move(request));
  Answer answer = co_await providers::with_deadline<HttpResponse>(
      universe_.clock, deadline, Delivery::maybe_applied, std::move(where), std::move(travelling));
  co_return answer;
}

asio::awaitable<Result<HttpResponse>> Network::nobody_answers(std::string where) {
  auto const given_up = universe_.in(between(universe_.network, 1ms, 3s));
  co_await universe_.clock.sleep_until(given_up);
  co_return std::unexpected(network_error(Delivery::not_sent, "nobody answers", std::move(where)));
}

asio::awaitable<Result<HttpResponse>> Network::travel(std::uint64_t life, HttpRequest request) {
  std::string where = request.method + " " + request.endpoint.host + request.target;
  bool const cut = is_cut_off(request.endpoint.host);
  bool const unreachable = !cut && universe_.network.chance(chances.unreachable);
  if (cut || unreachable) {
    if (unreachable) ++universe_.faults;
    Answer nobody = co_await nobody_answers(std::move(where));
    co_return nobody;
  }
  Letter letter;
  letter.number = ++letters_;
  letter.life = life;
  letter.request = as_model_request(request);
  letter.sent = universe_.clock.mono_now();
  std::uint64_t const number = letter.number;
  if (on_send(letter)) send(std::move(letter), where);
  Error stopped = network_error(Delivery::maybe_applied, "the call was cancelled", std::move(where));
  stopped.error_class = ErrorClass::cancelled;
  auto answered = waiting_.wait(number, Answer(std::unexpected(std::move(stopped))));
  Answer answer = co_await std::move(answered);
  co_return answer;
}

void Network::send(Letter letter, std::string where) {
  sim::Randomness& chance = universe_.network;
  // Azure's URLs of operations have thousands of characters.
  constexpr std::size_t told_max = 250;
  universe_.trace.line(
      fmt::format(FMT_COMPILE("#{} sent {}"), letter.number, std::string_view(where).substr(0, told_max)));
  if (chance.chance(chances.lost)) {
    ++universe_.faults;
    universe_.trace.line(fmt::format("#{} is lost on the way", letter.number));
    bool const told = chance.below(2) == 0;
    if (!told) return;  // the deadline tells its sender
    auto const number = letter.number;
    universe_.happenings.at(universe_.in(between(chance, 1ms, 2s)), [this, number, where] {
      waiting_.answer(
          number, std::unexpected(network_error(Delivery::maybe_applied, "the connection was reset", where)));
    });
    return;
  }
  bool const late = chance.chance(chances.late);
  bool const reply_lost = chance.chance(chances.reply_lost);
  if (late || reply_lost) ++universe_.faults;
  auto const travels = late ? between(chance, 1s, chances.late_max) : between(chance, 1ms, 60ms);
  ++under_way_;
  universe_.happenings.at(universe_.in(travels),
                          [this, letter = std::move(letter), reply_lost, where = std::move(where)]() mutable {
                            deliver(std::move(letter), reply_lost, std::move(where));
                          });
}

void Network::deliver(Letter letter, bool reply_lost, std::string where) {
  --under_way_;
  sim::Delivery delivery = cloud_.handle(letter.request, universe_.clock.true_now());
  universe_.trace.line(fmt::format(FMT_COMPILE("#{} arrived: {} {}{}"), letter.number,
                                   delivery.answer.operation, delivery.answer.status,
                                   delivery.cut == sim::Cut::none ? "" : ", and the connection is reset"));
  on_arrival(letter, delivery);
  if (reply_lost) universe_.trace.line(fmt::format("#{}: the answer is lost", letter.number));
  auto const back = universe_.in(delivery.delay + between(universe_.network, 1ms, 60ms));
  bool const told = !reply_lost || universe_.network.below(2) == 0;
  if (!told) return;
  if (reply_lost) delivery.cut = sim::Cut::after;
  universe_.happenings.at(
      back, [this, number = letter.number, delivery = std::move(delivery), where = std::move(where)] {
        waiting_.answer(number, answer_of(delivery, where));
      });
}

Result<HttpResponse> Network::answer_of(sim::Delivery const& delivery, std::string const& where) const {
  constexpr std::size_t body_bytes_max = 8 << 20;
  if (delivery.cut != sim::Cut::none)
    return std::unexpected(network_error(Delivery::maybe_applied, "the connection was reset", where));
  if (delivery.answer.body.size() > body_bytes_max) {
    Error error = network_error(Delivery::maybe_applied, "the answer is larger than 8 MiB", where);
    error.error_class = ErrorClass::malformed;
    return std::unexpected(std::move(error));
  }
  HttpResponse response;
  response.status = delivery.answer.status;
  response.headers = delivery.answer.headers;
  response.body.assign(delivery.answer.body.begin(), delivery.answer.body.end());
  return response;
}

asio::awaitable<Result<HttpResponse>> NetworkTransport::exchange(HttpRequest request,
                                                                 providers::Clock::Mono deadline) {
  Result<HttpResponse> answer = co_await network_.exchange(life_, std::move(request), deadline);
  co_return answer;
}

asio::awaitable<void> NetworkTransport::close() { co_return; }

}  // namespace rekeyd::simulation
