#include "daemon/control/server.hpp"

#include "daemon/control/connection.hpp"
#include "daemon/control/socket_file.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

#include <list>

namespace rekeyd::daemon {

namespace asio = boost::asio;
using asio::local::stream_protocol;

namespace {

// Out of descriptors or memory: others have to let go of some first.
constexpr std::chrono::milliseconds accept_pause{100};
// After the grace time: for cancelled answers to unwind.
constexpr std::chrono::milliseconds unwind_max{1000};

}  // namespace

/// Shared with the coroutines it has started, so that none outlives what it uses.
class ControlServer::Listener : public std::enable_shared_from_this<Listener> {
 public:
  Listener(asio::any_io_executor executor, ControlServerSettings settings, ControlHandler& handler,
           SocketFile file)
      : settings_(std::move(settings)),
        handler_(handler),
        file_(std::move(file)),
        acceptor_(executor, stream_protocol(), file_.release_descriptor()),
        pause_(executor),
        all_ended_(executor) {}

  void start();
  asio::awaitable<void> stop(std::chrono::milliseconds grace);
  void close_all();
  void remove_file() { file_.remove(); }
  std::size_t connections() const { return open_.size(); }

 private:
  struct Open {
    explicit Open(stream_protocol::socket socket, Peer peer, ControlServerSettings const& settings,
                  ControlHandler& handler)
        : connection(std::move(socket), std::move(peer), settings, handler) {}
    Connection connection;
    asio::cancellation_signal cancel;
  };

  static asio::awaitable<void> accept_all(std::shared_ptr<Listener> self);
  static asio::awaitable<void> serve(std::shared_ptr<Open> open);
  void admit(stream_protocol::socket socket);
  void ended(std::shared_ptr<Open> const& open, std::exception_ptr const& thrown);
  asio::awaitable<void> wait_for_all(std::chrono::milliseconds longest);

  ControlServerSettings settings_;
  ControlHandler& handler_;
  SocketFile file_;
  stream_protocol::acceptor acceptor_;
  asio::steady_timer pause_;
  asio::steady_timer all_ended_;  ///< Rung by cancel().
  std::list<std::shared_ptr<Open>> open_;
  bool stopping_{};
};

void ControlServer::Listener::start() {
  auto const report = [self = shared_from_this()](std::exception_ptr thrown) {
    if (!thrown || self->stopping_) return;
    spdlog::error("the control socket takes no more connections; restart rekeyd");
  };
  asio::co_spawn(acceptor_.get_executor(), accept_all(shared_from_this()), report);
}

asio::awaitable<void> ControlServer::Listener::accept_all(std::shared_ptr<Listener> self) {
  auto const token = asio::as_tuple(asio::use_awaitable);
  while (!self->stopping_) {
    auto [problem, socket] = co_await self->acceptor_.async_accept(token);
    if (!problem) {
      self->admit(std::move(socket));
    } else if (!self->stopping_) {
      spdlog::warn("control socket: cannot accept a connection: {}", problem.message());
      self->pause_.expires_after(accept_pause);
      co_await self->pause_.async_wait(token);
    }
  }
}

void ControlServer::Listener::admit(stream_protocol::socket socket) {
  if (stopping_) return;
  auto peer = peer_of(socket.native_handle());
  if (!peer) return;
  if (open_.size() >= settings_.connections_max) return turn_away(std::move(socket));
  auto const open = std::make_shared<Open>(std::move(socket), std::move(*peer), settings_, handler_);
  open_.push_back(open);
  auto const done = [self = shared_from_this(), open](std::exception_ptr thrown) {
    self->ended(open, thrown);
  };
  asio::co_spawn(acceptor_.get_executor(), serve(open),
                 asio::bind_cancellation_slot(open->cancel.slot(), done));
}

asio::awaitable<void> ControlServer::Listener::serve(std::shared_ptr<Open> open) {
  co_await open->connection.serve();
}

void ControlServer::Listener::ended(std::shared_ptr<Open> const& open, std::exception_ptr const& thrown) {
  open->connection.close();
  open_.remove(open);
  if (open_.empty()) all_ended_.cancel();
  if (!thrown || stopping_) return;
  try {
    std::rethrow_exception(thrown);
  } catch (std::exception const& problem) {
    spdlog::error("control socket: a connection ended with an error: {}", problem.what());
  } catch (...) {
    spdlog::error("control socket: a connection ended with an unknown error");
  }
}

asio::awaitable<void> ControlServer::Listener::wait_for_all(std::chrono::milliseconds longest) {
  if (open_.empty()) co_return;
  auto const token = asio::as_tuple(asio::use_awaitable);
  all_ended_.expires_after(longest);
  co_await all_ended_.async_wait(token);
}

asio::awaitable<void> ControlServer::Listener::stop(std::chrono::milliseconds grace) {
  auto const self = shared_from_this();
  stopping_ = true;
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  pause_.cancel();
  for (auto const& open : open_) open->connection.finish();
  co_await wait_for_all(grace);
  close_all();
  co_await wait_for_all(unwind_max);
  file_.remove();
}

void ControlServer::Listener::close_all() {
  stopping_ = true;
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  pause_.cancel();
  auto const all = open_;  // A cancelled connection may take itself off the list.
  for (auto const& open : all) {
    open->connection.close();
    open->cancel.emit(asio::cancellation_type::terminal);
  }
}

ControlServer::ControlServer(std::shared_ptr<Listener> listener) : listener_(std::move(listener)) {}

ControlServer::~ControlServer() {
  listener_->close_all();
  listener_->remove_file();
}

Result<std::unique_ptr<ControlServer>> ControlServer::listen(asio::any_io_executor executor,
                                                             ControlServerSettings settings,
                                                             ControlHandler& handler) {
  auto file = SocketFile::listen(settings.path, settings.group);
  if (!file) return std::unexpected(file.error());
  auto listener =
      std::make_shared<Listener>(std::move(executor), std::move(settings), handler, std::move(*file));
  return std::unique_ptr<ControlServer>(new ControlServer(std::move(listener)));
}

void ControlServer::start() { listener_->start(); }

asio::awaitable<void> ControlServer::stop(std::chrono::milliseconds grace) { return listener_->stop(grace); }

std::size_t ControlServer::connections() const { return listener_->connections(); }

}  // namespace rekeyd::daemon
