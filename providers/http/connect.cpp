#include "providers/http/connect.hpp"

#include "providers/http/deadline.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <charconv>
#include <memory>
#include <vector>

namespace rekeyd::providers {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using boost::system::error_code;

constexpr auto as_tuple = asio::as_tuple(asio::use_awaitable);
using Addresses = std::vector<tcp::endpoint>;

std::unexpected<Error> unreachable(std::string what, error_code why) {
  Error error;
  error.error_class = why == asio::error::operation_aborted ? ErrorClass::cancelled : ErrorClass::transient;
  error.delivery = Delivery::not_sent;
  error.what = fmt::format("{}: {}", what, why.message());
  return std::unexpected(std::move(error));
}

// A lookup that may be left behind: its handler owns it, the waiter shares it.
struct Lookup : std::enable_shared_from_this<Lookup> {
  explicit Lookup(asio::any_io_executor const& executor)
      : resolver(executor), bell(executor, asio::steady_timer::time_point::max()) {}

  void start(std::string const& host, std::string const& port) {
    resolver.async_resolve(host, port, [self = shared_from_this()](error_code ec, auto const& results) {
      self->failure = ec;
      for (auto const& result : results) self->addresses.push_back(result.endpoint());
      self->bell.expires_at(asio::steady_timer::time_point());
    });
  }

  tcp::resolver resolver;
  asio::steady_timer bell;
  error_code failure{asio::error::operation_aborted};
  Addresses addresses;
};

std::optional<tcp::endpoint> literal_address(std::string host, std::string const& port) {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  error_code not_an_address;
  auto const address = asio::ip::make_address(host, not_an_address);
  std::uint16_t number = 0;
  auto const [end, problem] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (not_an_address || problem != std::errc() || end != port.data() + port.size()) return std::nullopt;
  return tcp::endpoint(address, number);
}

asio::awaitable<Result<Addresses>> addresses_of(asio::any_io_executor executor, std::string host,
                                                std::string port) {
  if (auto const literal = literal_address(host, port)) co_return Addresses(1, *literal);
  auto const lookup = std::make_shared<Lookup>(executor);
  lookup->start(host, port);
  co_await lookup->bell.async_wait(as_tuple);
  if (lookup->failure)
    co_return unreachable(fmt::format("no address is known for {}", host), lookup->failure);
  co_return std::move(lookup->addresses);
}

asio::awaitable<Result<tcp::socket>> connect_address(asio::any_io_executor executor, tcp::endpoint address) {
  tcp::socket socket(executor);
  auto [failure] = co_await socket.async_connect(address, as_tuple);
  if (failure) {
    auto const text =
        fmt::format("cannot connect to {} port {}", address.address().to_string(), address.port());
    co_return unreachable(text, failure);
  }
  error_code best_effort;
  socket.set_option(tcp::no_delay(true), best_effort);
  co_return socket;
}

}  // namespace

asio::awaitable<Result<tcp::socket>> connect_tcp(asio::any_io_executor executor, Clock& clock,
                                                 std::string host, std::string port, Clock::Mono deadline) {
  auto addresses = co_await addresses_of(executor, host, port);
  if (!addresses) co_return std::unexpected(std::move(addresses.error()));
  auto left = static_cast<int>(addresses->size());
  Result<tcp::socket> outcome = unreachable(host, asio::error::host_not_found);
  for (auto const& address : *addresses) {
    if (left == 1) co_return co_await connect_address(executor, address);
    auto const now = clock.mono_now();
    auto const share = now + (deadline - now) / left--;
    outcome = co_await with_deadline<tcp::socket>(clock, share, Delivery::not_sent, host,
                                                  connect_address(executor, address));
    if (outcome || outcome.error().error_class == ErrorClass::cancelled) break;
  }
  co_return outcome;
}

}  // namespace rekeyd::providers
