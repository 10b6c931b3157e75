#include "daemon/control/exchange.hpp"

#include "daemon/control/protocol.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <fmt/format.h>

#include <utility>

#include <grp.h>
#include <sys/stat.h>

namespace rekeyd::daemon {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::local::stream_protocol;

namespace {

// 100 000 keys come to about 80 MB; this bounds what a process that is not rekeyd can make us hold.
constexpr std::uint64_t answer_bytes_max = 1ULL << 30;

Error trouble(Exchange const& wanted, ErrorClass error_class, char const* code, std::string what,
              std::string remedy) {
  Error error;
  error.error_class = error_class;
  error.delivery = Delivery::not_sent;
  error.code = code;
  error.what = std::move(what);
  error.where = wanted.socket.string();
  error.remedy = std::move(remedy);
  return error;
}

bool is_something_else(std::filesystem::path const& path) {
  struct stat found{};
  return stat(path.c_str(), &found) == 0 && !S_ISSOCK(found.st_mode);
}

std::string group_name(gid_t group) {
  std::vector<char> room(std::size_t{16} * 1024);
  struct group entry{};
  struct group* named = nullptr;
  getgrgid_r(group, &entry, room.data(), room.size(), &named);
  return named != nullptr ? entry.gr_name : fmt::format("with gid {}", group);
}

/// Who may use the socket, as far as its mode can be seen: it or its folder keeps the caller out.
std::string who_may(std::filesystem::path const& path) {
  struct stat found{};
  bool const seen = stat(path.c_str(), &found) == 0;
  if (!seen && stat(path.parent_path().c_str(), &found) != 0) {
    return "ask to be let in by rekeyd's control_group";
  }
  mode_t const enough = seen ? S_IWGRP : S_IXGRP;
  if ((found.st_mode & enough) != 0) {
    return fmt::format("members of the group {} may; so may root", group_name(found.st_gid));
  }
  return "only the daemon's own user and root may; control_group in rekeyd.yaml lets a group in";
}

Error cannot_connect(Exchange const& wanted, beast::error_code problem) {
  if (problem == boost::system::errc::no_such_file_or_directory) {
    return trouble(wanted, ErrorClass::transient, "not_running",
                   "there is no control socket: rekeyd is not running",
                   "start it (systemctl start rekeyd.service), or name its socket with --socket");
  }
  if (is_something_else(wanted.socket)) {
    return trouble(wanted, ErrorClass::permanent, "not_a_socket", "this is no socket",
                   "name the control socket of rekeyd with --socket");
  }
  if (problem == boost::system::errc::connection_refused) {
    return trouble(wanted, ErrorClass::transient, "not_running",
                   "nobody answers: rekeyd has ended without a goodbye",
                   "see why (journalctl -u rekeyd.service) and start it (systemctl start rekeyd.service)");
  }
  if (problem == boost::system::errc::permission_denied) {
    return trouble(wanted, ErrorClass::access, "not_allowed", "you may not use the control socket",
                   who_may(wanted.socket));
  }
  return trouble(wanted, ErrorClass::transient, "not_running", "cannot connect: " + problem.message(),
                 "is this the control socket of rekeyd?");
}

Error no_answer(Exchange const& wanted, beast::error_code problem) {
  Error error;
  if (problem == beast::error::timeout) {
    error = trouble(wanted, ErrorClass::transient, "no_answer",
                    fmt::format("rekeyd did not answer within {} ms", wanted.deadline.count()),
                    "see what it does (systemctl status rekeyd.service), or wait longer with --timeout");
  } else if (problem.category() == http::make_error_code(http::error::bad_value).category() &&
             problem != http::error::end_of_stream && problem != http::error::partial_message) {
    error = trouble(wanted, ErrorClass::malformed, "malformed",
                    "the answer is not HTTP: " + problem.message(), "is this the control socket of rekeyd?");
  } else {
    error = trouble(wanted, ErrorClass::transient, "no_answer", "the connection ended before the answer",
                    "rekeyd may be stopping; see systemctl status rekeyd.service");
  }
  error.delivery = Delivery::maybe_applied;
  return error;
}

http::request<http::string_body> message_of(Exchange const& wanted) {
  http::request<http::string_body> message;
  message.version(11);
  message.method_string(wanted.method);
  message.target(wanted.target);
  message.set(http::field::host, "rekeyd");
  message.set(http::field::user_agent, "rekeyctl/" REKEYD_VERSION);
  message.keep_alive(false);
  if (!wanted.body.empty()) message.set(http::field::content_type, "application/json");
  message.body() = wanted.body;
  message.prepare_payload();
  return message;
}

asio::awaitable<Result<std::string>> run(asio::any_io_executor executor, Exchange const& wanted) {
  auto const token = asio::as_tuple(asio::use_awaitable);
  beast::basic_stream<stream_protocol> stream(std::move(executor));
  stream.expires_after(wanted.deadline);
  stream_protocol::endpoint const endpoint(wanted.socket.string());
  auto const [refused] = co_await stream.async_connect(endpoint, token);
  if (refused) co_return std::unexpected(cannot_connect(wanted, refused));

  // A server that has no time for us may answer and hang up before it has read all: look for the answer
  // anyway.
  auto const message = message_of(wanted);
  auto const [unsent, sent] = co_await http::async_write(stream, message, token);
  if (unsent == beast::error::timeout) co_return std::unexpected(no_answer(wanted, unsent));

  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(answer_bytes_max);
  auto const [unread, count] = co_await http::async_read(stream, buffer, parser, token);
  if (unread) co_return std::unexpected(no_answer(wanted, unread));
  if (parser.get().result_int() >= 400) co_return std::unexpected(decode_error(parser.get().body()));
  co_return std::move(parser.get().body());
}

}  // namespace

Result<std::string> exchange(Exchange const& wanted) {
  // sockaddr_un has room for 107 bytes and a zero; Asio throws beyond that.
  if (wanted.socket.empty() || wanted.socket.string().size() > 107) {
    return std::unexpected(trouble(wanted, ErrorClass::permanent, "bad_path",
                                   "a socket's path has 1 to 107 bytes",
                                   "name the control socket with --socket"));
  }
  asio::io_context io(1);
  Result<std::string> answer;
  std::exception_ptr thrown;
  asio::co_spawn(io, run(io.get_executor(), wanted),
                 [&](std::exception_ptr problem, Result<std::string> made) {
                   thrown = std::move(problem);
                   answer = std::move(made);
                 });
  io.run();
  if (thrown)
    return std::unexpected(trouble(wanted, ErrorClass::permanent, "failed", "the exchange failed", ""));
  return answer;
}

}  // namespace rekeyd::daemon
