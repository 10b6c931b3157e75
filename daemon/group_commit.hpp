#pragma once
#include "daemon/bell.hpp"
#include "storage/store.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace rekeyd::daemon {

/// Makes the changes of many coroutines durable together: what is handed in within one turn of the event loop
/// becomes one transaction, so that sixteen rotations wait for the disk once and not sixteen times. Nobody
/// goes on before his own change is durable.
class GroupCommit {
 public:
  /// `store` outlives every turn of the executor's loop that follows a commit.
  GroupCommit(boost::asio::any_io_executor executor, storage::Store& store);

  /// Completes when `change` is durable, or with the error that kept it from it: then nothing of it happened.
  /// A change that the store refuses spoils no other. If the caller is cancelled meanwhile, the change still
  /// becomes durable.
  boost::asio::awaitable<Result<void>> commit(storage::Change change);

 private:
  struct Entry {
    explicit Entry(storage::Change c) : change(std::move(c)) {}

    storage::Change change;
    std::optional<Result<void>> outcome;
    Bell settled;  ///< One each, so that callers go on in the order in which they came.
  };
  // Shared with the posted flush, which may come after its group has gone.
  struct Queue {
    explicit Queue(storage::Store& s) : store(s) {}
    void flush();

    storage::Store& store;
    std::vector<std::shared_ptr<Entry>> waiting;
  };

  boost::asio::any_io_executor executor_;
  std::shared_ptr<Queue> queue_;
};

}  // namespace rekeyd::daemon
