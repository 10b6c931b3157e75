#pragma once
#include "daemon/control/server.hpp"
#include "daemon/control/socket_file.hpp"

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>

namespace rekeyd::daemon {

/// One connection of the control socket: reads requests one after another, has each answered, writes the
/// answers. Used by server.cpp only.
class Connection {
 public:
  /// `settings` and `handler` outlive the connection.
  Connection(boost::asio::local::stream_protocol::socket socket, Peer peer,
             ControlServerSettings const& settings, ControlHandler& handler);

  /// Until the caller goes, is idle or slow for too long, sends what is not HTTP, or finish() was called.
  boost::asio::awaitable<void> serve();

  /// No further request is read: closes now if none is in hand, else after its answer.
  void finish();
  /// Closes now.
  void close();

 private:
  using Stream = boost::beast::basic_stream<boost::asio::local::stream_protocol>;

  /// What reading one request came to.
  struct Reading {
    std::optional<ControlRequest> request;  ///< Well read; else
    std::optional<ControlAnswer> refusal;   ///< to be refused and the connection closed; else just closed.
    bool keep_alive{};
  };

  boost::asio::awaitable<bool> wait_for_request();
  boost::asio::awaitable<Reading> read_request();
  boost::asio::awaitable<ControlAnswer> answer(ControlRequest request);
  boost::asio::awaitable<bool> write(ControlAnswer answer, bool keep_alive);

  Stream stream_;
  Peer peer_;
  ControlServerSettings const& settings_;
  ControlHandler& handler_;
  boost::beast::flat_buffer buffer_;
  bool busy_{};
  bool finishing_{};
};

/// Tells one caller too many so, without waiting for it, and closes.
void turn_away(boost::asio::local::stream_protocol::socket socket);

}  // namespace rekeyd::daemon
