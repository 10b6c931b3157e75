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
  auto const signal = signals_.emplace(signals_.end());
  auto done = [this, signal, name = std::move(name)](std::exception_ptr thrown) {
    report_ending(thrown, name);
    signals_.erase(signal);
    if (signals_.empty()) ended_.ring();
  };
  asio::co_spawn(executor_, std::move(task), asio::bind_cancellation_slot(signal->slot(), std::move(done)));
}

void TaskGroup::cancel() {
  // emit() may end a child and erase its signal, hence the step before the call.
  for (auto signal = signals_.begin(); signal != signals_.end();) {
    auto const current = signal++;
    current->emit(asio::cancellation_type::terminal);
  }
}

asio::awaitable<void> TaskGroup::joined() {
  bool const throws = co_await asio::this_coro::throw_if_cancelled();
  co_await asio::this_coro::throw_if_cancelled(false);
  auto const own = co_await asio::this_coro::cancellation_state;
  bool passed_on = false;
  while (!signals_.empty()) {
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
