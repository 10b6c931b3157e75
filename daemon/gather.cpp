#include "daemon/gather.hpp"

#include "daemon/task_group.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>

namespace rekeyd::daemon {

namespace asio = boost::asio;

namespace {

asio::awaitable<void> work_through(std::size_t& next, std::size_t count, IndexedTask const& task) {
  while (next < count) {
    std::size_t const index = next++;
    co_await task(index);
  }
}

}  // namespace

asio::awaitable<void> gather(std::size_t count, std::size_t at_once, IndexedTask task) {
  auto const executor = co_await asio::this_coro::executor;
  TaskGroup workers(executor);
  std::size_t next = 0;
  for (std::size_t i = 0; i < std::min(count, at_once); ++i) {
    workers.spawn(work_through(next, count, task), "gather");
  }
  co_await workers.joined();
}

}  // namespace rekeyd::daemon
