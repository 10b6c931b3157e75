#pragma once
#include "daemon/bell.hpp"
#include "storage/store.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace boost::asio {
class thread_pool;
}

namespace rekeyd::daemon {

/// Makes the changes of many coroutines durable together: what is handed in within one turn of the event loop
/// becomes one transaction, so that sixteen rotations wait for the disk once and not sixteen times. Nobody
/// goes on before his own change is durable.
///
/// With a thread the transaction is written there while the loop sends and receives, and what is handed in
/// meanwhile is the next one; without, by the loop. What is written, and in which order, is the same.
class GroupCommit {
 public:
  /// `store` outlives every turn of the executor's loop that follows a commit, and `thread`, which may be
  /// null, ends before the store does.
  GroupCommit(boost::asio::any_io_executor executor, storage::Store& store,
              boost::asio::thread_pool* thread = nullptr);

  /// Completes when `change` is durable, or with the error that kept it from it: then nothing of it happened.
  /// A change that the store refuses spoils no other. If the caller is cancelled meanwhile, the change still
  /// becomes durable.
  boost::asio::awaitable<Result<void>> commit(storage::Change change);

 private:
  struct Entry {
    explicit Entry(storage::Change c) : change(std::move(c)) {}

    storage::Change change;
    std::optional<Result<void>> outcome;  ///< The loop's alone.
    Bell settled;  ///< One each, so that callers go on in the order in which they came.
  };
  using Group = std::vector<std::shared_ptr<Entry>>;

  class Queue;
  std::shared_ptr<Queue> queue_;
};

}  // namespace rekeyd::daemon
