#include "daemon/control/connection.hpp"

#include "daemon/control/protocol.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace rekeyd::daemon {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::local::stream_protocol;

namespace {

constexpr unsigned http_1_1 = 11;

ControlAnswer refusal(unsigned status, ErrorClass error_class, char const* code, std::string what,
                      std::string remedy = "") {
  Error error;
  error.error_class = error_class;
  error.code = code;
  error.what = std::move(what);
  error.where = "the control socket";
  error.remedy = std::move(remedy);
  return {.status = status, .body = encode_error(error)};
}

// Nothing when the caller is gone or too slow: then there is nobody to tell.
std::optional<ControlAnswer> refusal_of(beast::error_code problem, ControlServerSettings const& settings) {
  if (problem == http::error::end_of_stream || problem == http::error::partial_message) return std::nullopt;
  if (problem == http::error::body_limit) {
    return refusal(413, ErrorClass::malformed, "body_too_long",
                   fmt::format("a body has at most {} bytes here", settings.body_bytes_max));
  }
  if (problem == http::error::header_limit) {
    return refusal(431, ErrorClass::malformed, "header_too_long",
                   fmt::format("a header has at most {} bytes here", settings.header_bytes_max));
  }
  if (problem.category() == http::make_error_code(http::error::bad_value).category()) {
    return refusal(400, ErrorClass::malformed, "not_http", "not an HTTP/1.1 request: " + problem.message(),
                   "speak to this socket with rekeyctl or curl --unix-socket");
  }
  return std::nullopt;
}

std::optional<std::map<std::string, std::string>> query_of(boost::urls::url_view const& target) {
  std::map<std::string, std::string> query;
  for (auto const& parameter : target.params()) {
    if (!query.emplace(parameter.key, parameter.value).second) return std::nullopt;
  }
  return query;
}

std::optional<ControlRequest> control_request(http::request<http::string_body>& message, Peer const& peer) {
  auto const target = boost::urls::parse_origin_form(message.target());
  if (!target) return std::nullopt;
  auto query = query_of(*target);
  if (!query) return std::nullopt;
  return ControlRequest{.method = std::string(message.method_string()),
                        .path = target->path(),
                        .query = std::move(*query),
                        .body = std::move(message.body()),
                        .caller = peer.caller,
                        .uid = peer.uid};
}

http::response<http::string_body> response_of(ControlAnswer answer, bool keep_alive) {
  http::response<http::string_body> response;
  response.version(http_1_1);
  response.result(answer.status);
  response.set(http::field::server, "rekeyd/" REKEYD_VERSION);
  response.set(http::field::content_type, "application/json");
  response.keep_alive(keep_alive);
  response.body() = std::move(answer.body);
  response.prepare_payload();
  return response;
}

}  // namespace

Connection::Connection(stream_protocol::socket socket, Peer peer, ControlServerSettings const& settings,
                       ControlHandler& handler)
    : stream_(std::move(socket)), peer_(std::move(peer)), settings_(settings), handler_(handler) {}

asio::awaitable<void> Connection::serve() {
  while (!finishing_) {
    busy_ = false;
    bool const begun = co_await wait_for_request();
    if (!begun || finishing_) co_return;
    busy_ = true;
    Reading reading = co_await read_request();
    if (reading.refusal) co_await write(std::move(*reading.refusal), false);
    if (!reading.request) co_return;
    ControlAnswer made = co_await answer(std::move(*reading.request));
    bool const keep_alive = reading.keep_alive && !finishing_;
    bool const written = co_await write(std::move(made), keep_alive);
    if (!written || !keep_alive) co_return;
  }
}

// Apart from reading the request itself, since a caller may be idle for long but not slow for long.
asio::awaitable<bool> Connection::wait_for_request() {
  if (buffer_.size() > 0) co_return true;  // The next request came with the last one.
  stream_.expires_after(settings_.idle_max);
  auto const space = buffer_.prepare(4096);
  auto const token = asio::as_tuple(asio::use_awaitable);
  auto const [problem, count] = co_await stream_.async_read_some(space, token);
  buffer_.commit(count);
  co_return !problem;
}

asio::awaitable<Connection::Reading> Connection::read_request() {
  http::request_parser<http::string_body> parser;
  parser.header_limit(settings_.header_bytes_max);
  parser.body_limit(settings_.body_bytes_max);
  stream_.expires_after(settings_.request_max);
  auto const token = asio::as_tuple(asio::use_awaitable);
  auto const [problem, count] = co_await http::async_read(stream_, buffer_, parser, token);
  Reading reading;
  if (problem) {
    reading.refusal = refusal_of(problem, settings_);
    co_return reading;
  }
  reading.keep_alive = parser.get().keep_alive();
  reading.request = control_request(parser.get(), peer_);
  if (!reading.request) {
    reading.refusal = refusal(400, ErrorClass::malformed, "bad_target",
                              "not a path with a query in which each parameter comes once");
  }
  co_return reading;
}

asio::awaitable<ControlAnswer> Connection::answer(ControlRequest request) {
  stream_.expires_never();
  std::string const asked = request.method + " " + request.path;
  std::exception_ptr thrown;
  try {
    auto op = handler_.answer(std::move(request));
    co_return co_await std::move(op);
  } catch (...) {
    thrown = std::current_exception();
  }
  auto const cancellation = co_await asio::this_coro::cancellation_state;
  if (cancellation.cancelled() != asio::cancellation_type::none) std::rethrow_exception(thrown);
  try {
    std::rethrow_exception(thrown);
  } catch (std::exception const& problem) {
    spdlog::error("control socket: {} failed: {}", asked, problem.what());
  } catch (...) {
    spdlog::error("control socket: {} failed", asked);
  }
  co_return refusal(500, ErrorClass::permanent, "internal_error", asked + " failed inside rekeyd",
                    "the journal says more (journalctl -u rekeyd.service); please report it");
}

asio::awaitable<bool> Connection::write(ControlAnswer answer, bool keep_alive) {
  auto const response = response_of(std::move(answer), keep_alive);
  stream_.expires_after(settings_.answer_max);
  auto const token = asio::as_tuple(asio::use_awaitable);
  auto const [problem, count] = co_await http::async_write(stream_, response, token);
  co_return !problem;
}

void Connection::finish() {
  finishing_ = true;
  if (!busy_) close();
}

void Connection::close() {
  beast::error_code ignored;
  stream_.socket().shutdown(stream_protocol::socket::shutdown_both, ignored);
  stream_.close();
}

void turn_away(stream_protocol::socket socket) {
  auto response = response_of(refusal(503, ErrorClass::transient, "too_many_connections",
                                      "too many callers are connected already", "try again in a moment"),
                              false);
  // A fresh socket's buffer has room for this; what does not fit is not waited for.
  beast::error_code ignored;
  socket.non_blocking(true, ignored);
  http::write(socket, response, ignored);
}

}  // namespace rekeyd::daemon
