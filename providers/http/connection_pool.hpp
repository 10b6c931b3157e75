#pragma once
#include "providers/http/tls_client.hpp"

#include <boost/beast/core/flat_buffer.hpp>

#include <chrono>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <variant>
#include <vector>

namespace rekeyd::providers {

/// One kept-alive connection. Owned by one exchange while in use, by the pool while idle.
struct Connection {
  using Plain = boost::asio::ip::tcp::socket;

  explicit Connection(Plain plain) : stream(std::move(plain)) { buffer.reserve(buffer_start); }
  explicit Connection(TlsStream tls) : stream(std::move(tls)) { buffer.reserve(buffer_start); }

  Plain& socket();
  /// Nothing has come and nobody has hung up: fit to send another request. Asked before each reuse, since a
  /// request written into a dead connection counts as maybe applied.
  bool is_quiet();

  std::variant<Plain, TlsStream> stream;
  boost::beast::basic_flat_buffer<WipingAllocator<char>> buffer;  ///< Bytes read past the last reply: none.
  Clock::Mono idle_since{};
  bool first_reply{true};

 private:
  // Room for most answers in one read.
  static constexpr std::size_t buffer_start = 8 << 10;
};
using ConnectionPtr = std::unique_ptr<Connection>;

/// Idle connections by endpoint, newest reused first, so that what is not needed grows old and is dropped.
class ConnectionPool {
 public:
  ConnectionPool(std::size_t idle_max, std::chrono::seconds age_max)
      : idle_max_(idle_max), age_max_(age_max) {}

  /// The newest that is still good; null if there is none.
  ConnectionPtr take(Endpoint const& endpoint, Clock::Mono now);
  void park(Endpoint const& endpoint, ConnectionPtr connection, Clock::Mono now);
  /// All of them, out of the pool.
  std::vector<ConnectionPtr> take_all();

 private:
  std::size_t idle_max_;
  std::chrono::seconds age_max_;
  std::map<Endpoint, std::deque<ConnectionPtr>> idle_;
};

}  // namespace rekeyd::providers
