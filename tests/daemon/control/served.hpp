#pragma once
#include "daemon/control/server.hpp"
#include "tests/support/temporary_folder.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <future>
#include <stdexcept>
#include <thread>

namespace rekeyd::test {

/// A control server on a thread of its own, over a real socket in a folder of its own.
class Served {
 public:
  explicit Served(daemon::ControlHandler& handler, daemon::ControlServerSettings settings = {}) {
    settings.path = socket();
    auto made = daemon::ControlServer::listen(io_.get_executor(), std::move(settings), handler);
    if (!made) throw std::runtime_error(to_text(made.error()));
    server_ = std::move(*made);
    server_->start();
    thread_ = std::thread([this] { io_.run(); });
  }
  ~Served() {
    stop(std::chrono::milliseconds(0)).wait();
    work_.reset();
    thread_.join();
  }
  Served(Served const&) = delete;
  Served& operator=(Served const&) = delete;

  std::filesystem::path socket() const { return folder_.path() / "control.sock"; }

  /// Begins to stop; ready when it has.
  std::future<void> stop(std::chrono::milliseconds grace) {
    auto done = std::make_shared<std::promise<void>>();
    auto future = done->get_future();
    auto const told = [done](std::exception_ptr thrown) {
      thrown ? done->set_exception(thrown) : done->set_value();
    };
    boost::asio::co_spawn(io_, server_->stop(grace), told);
    return future;
  }

  /// Runs `work` on the server's thread and waits for it.
  template <class Work>
  void on_thread(Work work) {
    std::promise<void> done;
    boost::asio::post(io_, [&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }

  std::size_t connections() {
    std::size_t count = 0;
    on_thread([&] { count = server_->connections(); });
    return count;
  }

 private:
  TemporaryFolder folder_;
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{io_.get_executor()};
  std::unique_ptr<daemon::ControlServer> server_;
  std::thread thread_;
};

}  // namespace rekeyd::test
