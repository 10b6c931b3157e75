#include "tests/simulator/https_server.hpp"

#include "tests/simulator/message.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <fmt/format.h>

#include <csignal>
#include <iterator>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

namespace rekeyd::sim {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace ssl = asio::ssl;
using tcp = asio::ip::tcp;
using boost::system::error_code;

namespace {

using TlsStream = ssl::stream<tcp::socket>;
using Parser = http::request_parser<http::string_body>;

constexpr std::uint64_t largest_body = 16U * 1024U * 1024U;

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

Request to_request(Parser::value_type& message) {
  Request request;
  request.method = view(message.method_string());
  request.target = view(message.target());
  request.authority = view(message[http::field::host]);
  request.host = lower(std::string_view(request.authority).substr(0, request.authority.find(':')));
  for (auto const& field : message) {
    request.headers.emplace_back(std::string(view(field.name_string())), std::string(view(field.value())));
  }
  request.body = std::move(message.body());
  return request;
}

/// Head and body in one buffer, so that an answer is one TLS record and one packet where it fits. Written by
/// hand because a cut answer must promise more than it brings.
std::string to_wire(Answer const& answer, bool keep_alive, bool head_only) {
  std::string wire;
  wire.reserve(512 + answer.body.size());
  fmt::format_to(std::back_inserter(wire), "HTTP/1.1 {} {}\r\n", answer.status,
                 view(http::obsolete_reason(http::int_to_status(answer.status))));
  for (auto const& [name, value] : answer.headers) {
    wire.append(name).append(": ").append(value).append("\r\n");
  }
  if (!keep_alive) wire.append("Connection: close\r\n");
  if (answer.status != 204)
    fmt::format_to(std::back_inserter(wire), "Content-Length: {}\r\n", answer.body.size());
  wire.append("\r\n");
  if (!head_only) wire.append(answer.body);
  return wire;
}

/// A handler that throws is a mistake in the model: it must end the program, not one connection.
void surface(std::exception_ptr thrown) {
  if (thrown) std::rethrow_exception(thrown);
}

/// Closes without a goodbye: the peer sees a reset, not an end.
void reset(TlsStream& stream) {
  error_code ignored;
  stream.next_layer().set_option(asio::socket_base::linger(true, 0), ignored);
  stream.next_layer().close(ignored);
}

tcp::acceptor listen_on(asio::io_context& io, HttpsSettings const& settings) {
  try {
    return tcp::acceptor(io, tcp::endpoint(asio::ip::make_address(settings.address), settings.port));
  } catch (boost::system::system_error const& error) {
    throw std::runtime_error(
        fmt::format("cannot listen on {}:{}: {}", settings.address, settings.port, error.code().message()));
  }
}

}  // namespace

struct HttpsServer::State {
  State(HttpsSettings wanted, Handler answers)
      : settings(std::move(wanted)),
        handler(std::move(answers)),
        io(static_cast<int>(settings.threads)),
        tls(ssl::context::tls_server),
        acceptor(listen_on(io, settings)),
        signals(io, SIGTERM, SIGINT) {
    tls.set_options(ssl::context::default_workarounds | ssl::context::no_sslv2 | ssl::context::no_sslv3 |
                    ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1);
    tls.use_certificate_chain_file(settings.certificate);
    tls.use_private_key_file(settings.key, ssl::context::pem);
    SSL_CTX_set_session_cache_mode(tls.native_handle(), SSL_SESS_CACHE_SERVER);
    unsigned char const id[] = "rekeyd-sim";
    SSL_CTX_set_session_id_context(tls.native_handle(), id, sizeof(id) - 1);
  }

  Delivery ask(Request request) {
    std::lock_guard const one_at_a_time(model);
    return handler(std::move(request));
  }

  asio::awaitable<void> accept();
  asio::awaitable<void> serve(tcp::socket socket);
  asio::awaitable<bool> exchange(TlsStream& stream, beast::flat_buffer& buffer);
  asio::awaitable<bool> deliver(TlsStream& stream, Delivery delivery, bool keep_alive, bool head_only);

  HttpsSettings settings;
  Handler handler;
  std::mutex model;
  asio::io_context io;
  ssl::context tls;
  tcp::acceptor acceptor;
  asio::signal_set signals;
};

asio::awaitable<void> HttpsServer::State::accept() {
  for (;;) {
    error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    tcp::socket socket = co_await acceptor.async_accept(token);
    if (error == asio::error::operation_aborted) co_return;
    if (error) {
      // Out of descriptors, mostly: the next connection has to wait until one is closed.
      asio::steady_timer pause(io, std::chrono::milliseconds(20));
      co_await pause.async_wait(token);
      continue;
    }
    auto const executor = socket.get_executor();
    asio::co_spawn(executor, serve(std::move(socket)), &surface);
  }
}

asio::awaitable<void> HttpsServer::State::serve(tcp::socket socket) {
  error_code error;
  socket.set_option(tcp::no_delay(true), error);
  TlsStream stream(std::move(socket), tls);
  auto token = asio::redirect_error(asio::use_awaitable, error);
  co_await stream.async_handshake(ssl::stream_base::server, token);
  if (error) co_return;
  beast::flat_buffer buffer;
  bool more = true;
  while (more) more = co_await exchange(stream, buffer);
}

/// One request and its answer; false when the connection is over.
asio::awaitable<bool> HttpsServer::State::exchange(TlsStream& stream, beast::flat_buffer& buffer) {
  error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  Parser parser;
  parser.body_limit(largest_body);
  parser.header_limit(64 * 1024);
  co_await http::async_read(stream, buffer, parser, token);
  if (error) {
    bool const said_goodbye = error == http::error::end_of_stream;
    error_code ignored;
    auto quiet = asio::redirect_error(asio::use_awaitable, ignored);
    if (said_goodbye) co_await stream.async_shutdown(quiet);
    co_return false;
  }
  bool const keep_alive = parser.get().keep_alive();
  bool const head_only = parser.get().method() == http::verb::head;
  Delivery delivery = ask(to_request(parser.get()));
  bool const more = co_await deliver(stream, std::move(delivery), keep_alive, head_only);
  co_return more;
}

asio::awaitable<bool> HttpsServer::State::deliver(TlsStream& stream, Delivery delivery, bool keep_alive,
                                                  bool head_only) {
  error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  if (delivery.delay.count() > 0) {
    asio::steady_timer timer(stream.get_executor(), delivery.delay);
    co_await timer.async_wait(token);
  }
  if (delivery.cut == Cut::before || delivery.cut == Cut::after) {
    reset(stream);
    co_return false;
  }
  std::string wire = to_wire(delivery.answer, keep_alive, head_only);
  if (delivery.cut == Cut::mid_body) wire.resize(wire.size() - (delivery.answer.body.size() + 1) / 2);
  auto const bytes = asio::buffer(wire);
  co_await asio::async_write(stream, bytes, token);
  if (error) co_return false;
  if (delivery.cut == Cut::mid_body) {
    // An orderly end of the TCP stream, so that what was written arrives; TLS sees that it was cut.
    error_code ignored;
    stream.next_layer().shutdown(tcp::socket::shutdown_send, ignored);
    co_return false;
  }
  if (!keep_alive) co_await stream.async_shutdown(token);
  co_return keep_alive;
}

HttpsServer::HttpsServer(HttpsSettings settings, Handler handler)
    : state_(std::make_unique<State>(std::move(settings), std::move(handler))) {}

HttpsServer::~HttpsServer() = default;

std::uint16_t HttpsServer::port() const { return state_->acceptor.local_endpoint().port(); }

void HttpsServer::stop() { state_->io.stop(); }

void HttpsServer::run() {
  state_->signals.async_wait([this](error_code error, int) {
    if (!error) state_->io.stop();
  });
  asio::co_spawn(state_->io, state_->accept(), &surface);
  std::vector<std::jthread> others;
  for (unsigned i = 1; i < state_->settings.threads; ++i) {
    others.emplace_back([this] { state_->io.run(); });
  }
  state_->io.run();
}

}  // namespace rekeyd::sim
