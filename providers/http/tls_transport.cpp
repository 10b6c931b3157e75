// The one file that instantiates Beast over TLS: it costs as much to compile as ten others.
#include "providers/http/tls_transport.hpp"

#include "providers/http/connect.hpp"
#include "providers/http/connection_pool.hpp"
#include "providers/http/deadline.hpp"
#include "providers/http/near_address.hpp"
#include "providers/http/tls_client.hpp"
#include "providers/http/wire_request.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <fmt/format.h>

namespace rekeyd::providers {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

constexpr auto as_tuple = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::seconds goodbye_patience{1};

using WipedBody = http::basic_string_body<char, std::char_traits<char>, WipingAllocator<char>>;
using Parser = http::response_parser<WipedBody>;

// One request on its way. Lives in exchange(), so that it tells how far things went even when the deadline or
// the caller ends them.
struct Passage {
  HttpRequest const& request;
  Body wire;
  std::string where;
  Clock::Mono deadline;
  Delivery delivery{Delivery::not_sent};
};

// How one conversation on one connection ended.
struct Reply {
  HttpResponse response;
  error_code failure;
  bool begun{false};  ///< The first byte of a reply has come.
  bool keep_alive{false};
};

bool peer_hung_up(error_code ec) {
  return ec == http::error::end_of_stream || ec == http::error::partial_message || ec == asio::error::eof ||
         ec == asio::error::connection_reset || ec == asio::error::broken_pipe ||
         ec == asio::ssl::error::stream_truncated;
}

HttpResponse to_response(Parser::value_type& message) {
  HttpResponse response;
  response.status = message.result_int();
  for (auto const& field : message)
    response.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
  response.body = std::move(message.body());
  return response;
}

// What the stream is, TLS or plain, makes no difference from here on. The references live in exchange().
template <class Stream>
asio::awaitable<Reply> converse_over(Stream& stream, Connection& connection, Passage& passage,
                                     TlsTransportOptions const& options) {
  Reply reply;
  passage.delivery = Delivery::maybe_applied;
  auto [write_failure, written] = co_await asio::async_write(stream, asio::buffer(passage.wire), as_tuple);
  if (write_failure) {
    // Bytes of an unfinished TLS record may be out, but a record that is not whole cannot be read.
    if (written == 0) passage.delivery = Delivery::not_sent;
    reply.failure = write_failure;
    co_return reply;
  }
  for (;;) {
    Parser parser;
    parser.header_limit(static_cast<std::uint32_t>(options.header_bytes_max));
    parser.body_limit(options.body_bytes_max);
    parser.skip(passage.request.method == "HEAD");
    auto [read_failure, read] = co_await http::async_read(stream, connection.buffer, parser, as_tuple);
    reply.begun = reply.begun || parser.got_some();
    reply.failure = read_failure;
    if (read_failure) co_return reply;
    auto message = parser.release();
    if (message.result_int() / 100 == 1) continue;  // an interim response: the real one follows
    // Bytes after a whole reply were not asked for: whatever they are, they must not answer the next request.
    reply.keep_alive = message.keep_alive() && connection.buffer.size() == 0;
    reply.response = to_response(message);
    co_return reply;
  }
}

asio::awaitable<Reply> converse_on(Connection& connection, Passage& passage,
                                   TlsTransportOptions const& options) {
  if (auto* tls = std::get_if<TlsStream>(&connection.stream))
    return converse_over(*tls, connection, passage, options);
  return converse_over(connection.socket(), connection, passage, options);
}

Error describe(ErrorClass error_class, std::string what, Passage const& passage) {
  Error error;
  error.error_class = error_class;
  error.what = std::move(what);
  error.where = passage.where;
  return error;
}

Error describe(error_code failure, Passage const& passage, TlsTransportOptions const& options) {
  if (failure == asio::error::operation_aborted)
    return describe(ErrorClass::cancelled, "the request was cancelled", passage);
  if (failure == http::error::body_limit)
    return describe(ErrorClass::malformed,
                    fmt::format("the answer is larger than the limit of {} bytes", options.body_bytes_max),
                    passage);
  if (failure == http::error::header_limit)
    return describe(
        ErrorClass::malformed,
        fmt::format("the answer's head is larger than the limit of {} bytes", options.header_bytes_max),
        passage);
  if (peer_hung_up(failure))
    return describe(ErrorClass::transient, "the service closed the connection before its answer was whole",
                    passage);
  static auto const& http_category = make_error_code(http::error::end_of_stream).category();
  if (failure.category() == http_category)
    return describe(ErrorClass::malformed, fmt::format("the answer is not HTTP ({})", failure.message()),
                    passage);
  return describe(ErrorClass::transient, fmt::format("the connection failed: {}", failure.message()),
                  passage);
}

Error in_clear(Passage const& passage) {
  auto error =
      describe(ErrorClass::permanent, "plain http is not spoken beyond this machine and its link", passage);
  error.remedy = "use the service's https address";
  return error;
}

bool has_port(std::string_view address) {
  auto const colon = address.rfind(':');
  return colon != std::string_view::npos && colon != 0 && colon + 1 != address.size();
}

// Where to connect for an endpoint: what connect_to says, else where its name says.
std::pair<std::string, std::string> route(Endpoint const& endpoint, TlsTransportOptions const& options) {
  auto const mapped = options.connect_to.find(endpoint.host + ":" + endpoint.port);
  if (mapped == options.connect_to.end()) return {endpoint.host, endpoint.port};
  auto const colon = mapped->second.rfind(':');
  return {mapped->second.substr(0, colon), mapped->second.substr(colon + 1)};
}

asio::awaitable<Result<bool>> shut_down(TlsStream& stream) {
  // eof and stream_truncated only say that the peer did not answer our goodbye.
  co_await stream.async_shutdown(as_tuple);
  co_return true;
}

class TlsTransport final : public HttpTransport {
 public:
  TlsTransport(asio::any_io_executor executor, Clock& clock, TlsTransportOptions options,
               std::unique_ptr<TlsClient> tls)
      : executor_(std::move(executor)),
        clock_(clock),
        options_(std::move(options)),
        tls_(std::move(tls)),
        pool_(options_.idle_connections_max, options_.idle_max) {}

  asio::awaitable<Result<HttpResponse>> exchange(HttpRequest request, Clock::Mono deadline) override;
  asio::awaitable<void> close() override;

 private:
  asio::awaitable<Result<HttpResponse>> converse(Passage& passage);
  asio::awaitable<Result<ConnectionPtr>> open(Passage& passage);
  Result<HttpResponse> settle(Passage const& passage, ConnectionPtr connection, Reply reply);
  asio::awaitable<void> say_goodbye(ConnectionPtr connection);

  asio::any_io_executor executor_;
  Clock& clock_;
  TlsTransportOptions options_;
  std::unique_ptr<TlsClient> tls_;
  ConnectionPool pool_;
};

asio::awaitable<Result<HttpResponse>> TlsTransport::exchange(HttpRequest request, Clock::Mono deadline) {
  auto wire = to_wire(request);
  if (!wire) co_return std::unexpected(std::move(wire.error()));
  Passage passage{request, std::move(*wire), where_of(request), deadline};
  Result<HttpResponse> outcome;
  try {
    outcome = co_await with_deadline<HttpResponse>(clock_, deadline, Delivery::not_sent, passage.where,
                                                   converse(passage));
  } catch (boost::system::system_error const& ended) {
    if (ended.code() != asio::error::operation_aborted) throw;
    outcome = std::unexpected(describe(ErrorClass::cancelled, "the request was cancelled", passage));
  }
  if (!outcome) outcome.error().delivery = passage.delivery;
  co_return outcome;
}

asio::awaitable<Result<HttpResponse>> TlsTransport::converse(Passage& passage) {
  auto connection = pool_.take(passage.request.endpoint, clock_.mono_now());
  if (connection) {
    auto reply = co_await converse_on(*connection, passage, options_);
    // It died while idle, just as we reached for it. Only what changes nothing goes out once more.
    bool const stale = reply.failure && !reply.begun && peer_hung_up(reply.failure);
    if (!stale || !is_safe(passage.request.method))
      co_return settle(passage, std::move(connection), std::move(reply));
    passage.delivery = Delivery::not_sent;
  }
  auto opened = co_await open(passage);
  if (!opened) co_return std::unexpected(std::move(opened.error()));
  connection = std::move(*opened);
  auto reply = co_await converse_on(*connection, passage, options_);
  co_return settle(passage, std::move(connection), std::move(reply));
}

Result<HttpResponse> TlsTransport::settle(Passage const& passage, ConnectionPtr connection, Reply reply) {
  if (reply.failure) return std::unexpected(describe(reply.failure, passage, options_));
  auto const& endpoint = passage.request.endpoint;
  if (auto* tls = std::get_if<TlsStream>(&connection->stream); tls != nullptr && connection->first_reply)
    tls_->remember_session(endpoint, *tls);
  connection->first_reply = false;
  if (reply.keep_alive) pool_.park(endpoint, std::move(connection), clock_.mono_now());
  return std::move(reply.response);
}

asio::awaitable<Result<ConnectionPtr>> TlsTransport::open(Passage& passage) {
  auto const& endpoint = passage.request.endpoint;
  if (!endpoint.https && !may_go_in_clear(endpoint)) co_return std::unexpected(in_clear(passage));
  auto const [host, port] = route(endpoint, options_);
  auto socket = co_await connect_tcp(executor_, clock_, host, port, passage.deadline);
  if (!socket) {
    socket.error().where = passage.where;
    co_return std::unexpected(std::move(socket.error()));
  }
  if (!endpoint.https) {
    // Where the name or connect_to led in the end counts as well.
    error_code gone;
    auto const peer = socket->remote_endpoint(gone);
    if (!gone && !is_near(peer.address())) co_return std::unexpected(in_clear(passage));
    co_return std::make_unique<Connection>(std::move(*socket));
  }
  auto stream = co_await tls_->handshake(std::move(*socket), endpoint);
  if (!stream) {
    stream.error().where = passage.where;
    co_return std::unexpected(std::move(stream.error()));
  }
  co_return std::make_unique<Connection>(std::move(*stream));
}

asio::awaitable<void> TlsTransport::say_goodbye(ConnectionPtr connection) {
  auto* const tls = std::get_if<TlsStream>(&connection->stream);
  if (tls == nullptr) co_return;
  auto const patience = clock_.mono_now() + goodbye_patience;
  (void)co_await with_deadline<bool>(clock_, patience, Delivery::not_sent, std::string(), shut_down(*tls));
}

asio::awaitable<void> TlsTransport::close() {
  auto idle = pool_.take_all();
  if (idle.empty()) co_return;
  using Goodbye = decltype(asio::co_spawn(executor_, say_goodbye(nullptr), asio::deferred));
  std::vector<Goodbye> goodbyes;
  goodbyes.reserve(idle.size());
  for (auto& connection : idle)
    goodbyes.push_back(asio::co_spawn(executor_, say_goodbye(std::move(connection)), asio::deferred));
  auto all = asio::experimental::make_parallel_group(std::move(goodbyes));
  co_await all.async_wait(asio::experimental::wait_for_all(), asio::use_awaitable);
}

}  // namespace

Result<std::unique_ptr<HttpTransport>> make_tls_transport(asio::any_io_executor executor, Clock& clock,
                                                          TlsTransportOptions options) {
  for (auto const& [from, to] : options.connect_to) {
    if (has_port(from) && has_port(to)) continue;
    Error error;
    error.delivery = Delivery::not_sent;
    error.what = "a diverted connection needs host:port on both sides";
    error.where = fmt::format("{} -> {}", from, to);
    return std::unexpected(std::move(error));
  }
  auto tls = TlsClient::make(options.ca_file);
  if (!tls) return std::unexpected(std::move(tls.error()));
  return std::make_unique<TlsTransport>(std::move(executor), clock, std::move(options), std::move(*tls));
}

}  // namespace rekeyd::providers
