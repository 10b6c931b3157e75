#include "daemon/task_group.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>
#include <spdlog/spdlog.h>

#include <exception>
#include <utility>

namespace rekeyd::daemon {

namespace asio = boost::asio;

namespace {

void report_ending(std::exception_ptr const& thrown, std::string const& name) {
  if (!thrown) return;
  try {
    std::rethrow_exception(thrown);
  } catch (boost::system::system_error const& error) {
    if (error.code() == asio::error::operation_aborted) return;
    spdlog::critical("task {} ended unexpectedly: {}", name, error.what());
  } catch (std::exception const& error) {
    spdlog::critical("task {} ended unexpectedly: {}", name, error.what());
  }
}

}  // namespace

TaskGroup::TaskGroup(asio::any_io_executor executor) : executor_(std::move(executor)) {}

void TaskGroup::spawn(asio::awaitable<void> task, std::string name) {
  auto const child = children_.emplace(children_.end());
  auto done = [this, child, name = std::move(name)](std::exception_ptr const& thrown) {
    report_ending(thrown, name);
    children_.erase(child);
    if (children_.empty()) ended_.ring();
  };
  asio::co_spawn(executor_, live(*child, std::move(task)),
                 asio::bind_cancellation_slot(child->signal.slot(), std::move(done)));
}

/// Boost 1.81 passes on the end of a task that never waited for anything through a wait of its own. That wait
/// throws if the task is cancelled by then, and nobody catches it: it would leave the loop's run().
asio::awaitable<void> TaskGroup::live(Child& child, asio::awaitable<void> task) {
  child.begun = true;
  if (child.cancelled) co_return;
  std::exception_ptr thrown;
  try {
    co_await std::move(task);
  } catch (...) {
    thrown = std::current_exception();
  }
  co_await asio::this_coro::throw_if_cancelled(false);
  if (thrown) std::rethrow_exception(thrown);
}

void TaskGroup::cancel() {
  // emit() may end a child and erase it, hence the step before the call.
  for (auto child = children_.begin(); child != children_.end();) {
    auto const current = child++;
    if (current->begun) {
      current->signal.emit(asio::cancellation_type::terminal);
    } else {
      current->cancelled = true;
    }
  }
}

asio::awaitable<void> TaskGroup::joined() {
  bool const throws = co_await asio::this_coro::throw_if_cancelled();
  co_await asio::this_coro::throw_if_cancelled(false);
  auto const own = co_await asio::this_coro::cancellation_state;
  bool passed_on = false;
  while (!children_.empty()) {
    if (own.cancelled() != asio::cancellation_type::none && !passed_on) {
      passed_on = true;
      cancel();
      continue;
    }
    co_await ended_.wait(ended_.rings());
  }
  co_await asio::this_coro::throw_if_cancelled(throws);
}

}  // namespace rekeyd::daemon
