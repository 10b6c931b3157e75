#pragma once
#include "daemon/control/handler.hpp"
#include "policy/error.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>

namespace rekeyd::daemon {

struct ControlServerSettings {
  std::filesystem::path path;  ///< Its folder must exist.
  std::string group;           ///< Who may connect besides the daemon's own user; empty: nobody.
  std::size_t connections_max{32};
  std::size_t body_bytes_max{std::size_t{64} * 1024};
  std::uint32_t header_bytes_max{8 * 1024};
  std::chrono::milliseconds idle_max{60'000};     ///< Between two requests of one connection.
  std::chrono::milliseconds request_max{10'000};  ///< From a request's first byte to its last.
  std::chrono::milliseconds answer_max{30'000};   ///< For the caller to take our answer.
};

/// HTTP/1.1 on a Unix stream socket.
///
/// The socket has mode 0660 and the given group, or 0600 if none is given. A socket file left by a dead
/// daemon is replaced. Two daemons never share a path: a lock on PATH.lock (kept for life, freed by the
/// kernel when the process ends, the file itself stays) settles who starts first, and a live answer on the
/// socket is refused too.
///
/// *Lifetime:* the handler and the executor's context outlive the server. Destroying a server that was not
/// stopped closes everything at once.
/// *Thread:* all on the executor's one thread.
class ControlServer {
 public:
  /// Listens. Errors: conflict with code "socket_taken"; permanent for a path that is no socket, is too long,
  /// whose folder is missing, or for an unknown group; access when the system refuses.
  static Result<std::unique_ptr<ControlServer>> listen(boost::asio::any_io_executor executor,
                                                       ControlServerSettings settings,
                                                       ControlHandler& handler);
  ~ControlServer();
  ControlServer(ControlServer const&) = delete;
  ControlServer& operator=(ControlServer const&) = delete;

  /// Takes connections from now on; returns at once.
  void start();

  /// Takes no more connections, drops idle ones, lets requests in hand be answered for at most `grace`, then
  /// cancels them, and removes the socket file. Never throws.
  boost::asio::awaitable<void> stop(std::chrono::milliseconds grace);

  std::size_t connections() const;

 private:
  class Listener;
  explicit ControlServer(std::shared_ptr<Listener> listener);
  std::shared_ptr<Listener> listener_;
};

}  // namespace rekeyd::daemon
