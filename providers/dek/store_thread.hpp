#pragma once
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>
#include <functional>
#include <memory>
#include <utility>

namespace rekeyd::providers {

/// Where a store does its work: one piece after the other, in the order in which they were asked for, on a
/// thread of its own, so that calls to the clouds go on while files are written; or on the caller's.
///
/// A piece that was begun comes to its end, whether or not its caller is cancelled meanwhile. At the end of
/// this nothing may be under way any more.
class StoreThread {
 public:
  explicit StoreThread(bool own_thread) {
    if (own_thread) pool_ = std::make_unique<boost::asio::thread_pool>(1);
  }

  /// What `work` returns or throws. `work` must not refer to what the caller may take away before it ends.
  template <class T>
  boost::asio::awaitable<T> run(std::function<T()> work) {
    if (!pool_) return here(std::move(work));
    return boost::asio::async_initiate<boost::asio::use_awaitable_t<> const, void(std::exception_ptr, T)>(
        Begin<T>(), boost::asio::use_awaitable, pool_->get_executor(), std::move(work));
  }

 private:
  using Executor = boost::asio::thread_pool::executor_type;

  template <class T>
  static boost::asio::awaitable<T> here(std::function<T()> work) {
    co_return work();
  }

  /// Hands the work to the thread, and its outcome to the loop that waits for it.
  template <class T>
  struct Begin {
    template <class Handler>
    void operator()(Handler handler, Executor thread, std::function<T()> work) const {
      auto loop = boost::asio::prefer(boost::asio::get_associated_executor(handler),
                                      boost::asio::execution::outstanding_work.tracked);
      auto piece = [loop = std::move(loop), handler = std::move(handler), work = std::move(work)]() mutable {
        std::exception_ptr thrown;
        T outcome{};
        try {
          outcome = work();
        } catch (...) {
          thrown = std::current_exception();
        }
        auto deliver = [handler = std::move(handler), thrown = std::move(thrown),
                        outcome = std::move(outcome)]() mutable {
          handler(std::move(thrown), std::move(outcome));
        };
        boost::asio::post(loop, std::move(deliver));
      };
      boost::asio::post(thread, std::move(piece));
    }
  };

  std::unique_ptr<boost::asio::thread_pool> pool_;
};

}  // namespace rekeyd::providers
