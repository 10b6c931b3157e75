#include "tests/providers/http/raw_server.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

namespace rekeyd::test {

namespace asio = boost::asio;
namespace ssl = asio::ssl;
using tcp = asio::ip::tcp;

namespace {

constexpr auto as_tuple = asio::as_tuple(asio::use_awaitable);

std::size_t body_size(std::string const& head) {
  auto const at = head.find("Content-Length: ");
  return at == std::string::npos ? 0 : std::stoul(head.substr(at + 16));
}

asio::awaitable<void> wait_forever() {
  auto executor = co_await asio::this_coro::executor;
  asio::steady_timer never(executor, asio::steady_timer::time_point::max());
  co_await never.async_wait(as_tuple);
}

}  // namespace

struct RawServer::Impl {
  Impl(Leaf const& leaf, Behaviour scripted, Options wanted)
      : behaviour(std::move(scripted)), options(wanted) {
    tls.use_certificate_chain(asio::buffer(leaf.chain_pem));
    tls.use_private_key(asio::buffer(leaf.key_pem), ssl::context::pem);
    if (options.tls_version_max != 0) {
      SSL_CTX_set_min_proto_version(tls.native_handle(), options.tls_version_max);
      SSL_CTX_set_max_proto_version(tls.native_handle(), options.tls_version_max);
      SSL_CTX_set_security_level(tls.native_handle(), 0);
    }
    asio::co_spawn(io, listen(), asio::detached);
    thread = std::thread([this] { io.run(); });
  }
  ~Impl() {
    io.stop();
    thread.join();
  }

  void note(int Seen::* what) {
    std::lock_guard const lock(mutex);
    ++(seen.*what);
    changed.notify_all();
  }

  asio::awaitable<void> listen() {
    for (int number = 1;; ++number) {
      auto [failure, socket] = co_await acceptor.async_accept(as_tuple);
      if (failure) co_return;
      note(&Seen::connections);
      asio::co_spawn(io, serve(std::move(socket), number), asio::detached);
    }
  }

  asio::awaitable<void> serve(tcp::socket socket, int number) {
    if (options.mute) {
      co_await wait_forever();
    } else if (options.tls) {
      co_await serve_tls(std::move(socket), number);
    } else {
      co_await asio::async_write(socket, asio::buffer(options.greeting), as_tuple);
      co_await converse(socket, number);
      boost::system::error_code ignored;
      socket.close(ignored);
    }
    note(&Seen::ended);
  }

  asio::awaitable<void> serve_tls(tcp::socket socket, int number) {
    ssl::stream<tcp::socket> stream(std::move(socket), tls);
    auto [failure] = co_await stream.async_handshake(ssl::stream_base::server, as_tuple);
    if (failure) co_return;
    if (SSL_session_reused(stream.native_handle()) == 1) note(&Seen::resumed);
    bool const polite = co_await converse(stream, number);
    if (!polite) co_return;
    co_await stream.async_shutdown(as_tuple);
  }

  // True if the connection is to be closed politely.
  template <class Stream>
  asio::awaitable<bool> converse(Stream& stream, int number) {
    std::string read;
    for (int request = 1;; ++request) {
      Heard heard;
      heard.connection = number;
      heard.request = request;
      auto [failure, size] =
          co_await asio::async_read_until(stream, asio::dynamic_buffer(read), "\r\n\r\n", as_tuple);
      if (failure == asio::error::eof) note(&Seen::goodbyes);
      if (failure) co_return true;
      heard.head = read.substr(0, size);
      read.erase(0, size);
      auto const wanted = body_size(heard.head);
      if (wanted > read.size()) {
        auto const rest = asio::transfer_exactly(wanted - read.size());
        co_await asio::async_read(stream, asio::dynamic_buffer(read), rest, as_tuple);
      }
      heard.body = read.substr(0, wanted);
      read.erase(0, wanted);
      auto const said = behaviour(heard);
      note(&Seen::requests);
      co_await asio::async_write(stream, asio::buffer(said.bytes), as_tuple);
      if (said.then == Said::Then::hang) co_await wait_forever();
      if (said.then == Said::Then::close_politely) co_return true;
      if (said.then == Said::Then::cut_off) co_return false;
    }
  }

  asio::io_context io{1};
  ssl::context tls{ssl::context::tls_server};
  tcp::acceptor acceptor{io, tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
  Behaviour behaviour;
  Options options;
  std::mutex mutable mutex;
  std::condition_variable mutable changed;
  Seen seen;
  std::thread thread;
};

RawServer::RawServer(Leaf const& leaf, Behaviour behaviour)
    : RawServer(leaf, std::move(behaviour), Options()) {}

RawServer::RawServer(Leaf const& leaf, Behaviour behaviour, Options options)
    : impl_(std::make_unique<Impl>(leaf, std::move(behaviour), options)) {}

RawServer::~RawServer() = default;

std::string RawServer::port() const { return std::to_string(impl_->acceptor.local_endpoint().port()); }

RawServer::Seen RawServer::seen() const {
  std::lock_guard const lock(impl_->mutex);
  return impl_->seen;
}

bool RawServer::wait_until(std::function<bool(Seen const&)> const& condition) const {
  std::unique_lock lock(impl_->mutex);
  return impl_->changed.wait_for(lock, std::chrono::seconds(10), [&] { return condition(impl_->seen); });
}

std::string http_answer(std::string const& body, std::string const& headers, std::string const& status) {
  return "HTTP/1.1 " + status + "\r\n" + headers + "Content-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

}  // namespace rekeyd::test
