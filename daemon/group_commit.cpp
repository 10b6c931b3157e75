#include "daemon/group_commit.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <utility>

namespace rekeyd::daemon {

namespace asio = boost::asio;

GroupCommit::GroupCommit(asio::any_io_executor executor, storage::Store& store)
    : executor_(std::move(executor)), queue_(std::make_shared<Queue>(store)) {}

asio::awaitable<Result<void>> GroupCommit::commit(storage::Change change) {
  auto const queue = queue_;
  auto const entry = std::make_shared<Entry>(std::move(change));
  queue->waiting.push_back(entry);
  // Behind every handler that is ready now: what those hand in comes along.
  if (queue->waiting.size() == 1) asio::post(executor_, [queue] { queue->flush(); });
  bool const throws = co_await asio::this_coro::throw_if_cancelled();
  co_await asio::this_coro::throw_if_cancelled(false);
  while (!entry->outcome) co_await entry->settled.wait(entry->settled.rings());
  co_await asio::this_coro::throw_if_cancelled(throws);
  co_return *std::move(entry->outcome);
}

void GroupCommit::Queue::flush() {
  auto const group = std::exchange(waiting, {});
  storage::Change together;
  for (auto const& entry : group) storage::append(together, entry->change);
  Result<void> const outcome = store.commit(together);
  for (auto const& entry : group) {
    // One bad change spoils the transaction, not its neighbours.
    bool const alone = outcome.has_value() || group.size() == 1;
    entry->outcome = alone ? outcome : store.commit(entry->change);
    entry->settled.ring();
  }
}

}  // namespace rekeyd::daemon
