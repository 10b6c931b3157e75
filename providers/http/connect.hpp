#pragma once
#include "policy/error.hpp"
#include "providers/system/clock.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <string>

namespace rekeyd::providers {

/// A TCP connection (TCP_NODELAY) to `host`:`port`, a name or an address. Every address of a name is tried in
/// turn, each with its share of the time left, so that one that does not answer does not eat the others'
/// time. Errors are transient and not_sent, and name what was tried.
///
/// Cancellable at once, name lookup included: the lookup of getaddrinfo cannot be stopped, so it is left
/// behind and its result goes to nobody.
boost::asio::awaitable<Result<boost::asio::ip::tcp::socket>> connect_tcp(
    boost::asio::any_io_executor executor, Clock& clock, std::string host, std::string port,
    Clock::Mono deadline);

}  // namespace rekeyd::providers
