#pragma once
#include "daemon/bell.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <list>
#include <string>

namespace rekeyd::daemon {

/// Children that can be told to stop, and waited for. A child that ends with an exception (other than a
/// cancellation) is logged with its name: by design no seam throws, so that is a programming error that must
/// not go unseen. Must outlive its children: await joined() before destruction, or destroy the io_context
/// first.
class TaskGroup {
 public:
  explicit TaskGroup(boost::asio::any_io_executor executor);
  TaskGroup(TaskGroup const&) = delete;
  TaskGroup& operator=(TaskGroup const&) = delete;

  void spawn(boost::asio::awaitable<void> task, std::string name);
  /// Cancels every child's current operation. A child that has not begun yet never begins.
  void cancel();
  /// Waits until no child is left. If the waiting coroutine is cancelled, the children are cancelled too and
  /// still waited for, so that nothing they refer to goes before them.
  boost::asio::awaitable<void> joined();
  bool empty() const { return children_.empty(); }
  std::size_t size() const { return children_.size(); }

 private:
  struct Child {
    boost::asio::cancellation_signal signal;
    bool begun = false;
    bool cancelled = false;  ///< Before it had begun.
  };
  static boost::asio::awaitable<void> live(Child& child, boost::asio::awaitable<void> task);

  boost::asio::any_io_executor executor_;
  Bell ended_;
  std::list<Child> children_;
};

}  // namespace rekeyd::daemon
