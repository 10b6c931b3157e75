#include "daemon/group_commit.hpp"

#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>

#include <exception>
#include <utility>

namespace rekeyd::daemon {

namespace asio = boost::asio;

/// Shared with the posted handlers, which may come after their group has gone.
class GroupCommit::Queue : public std::enable_shared_from_this<Queue> {
 public:
  Queue(asio::any_io_executor executor, storage::Store& store, asio::thread_pool* thread)
      : executor_(std::move(executor)), store_(store), thread_(thread) {}

  void put(std::shared_ptr<Entry> entry) {
    waiting_.push_back(std::move(entry));
    if (!flushing_) flush_soon();
  }

 private:
  using Outcomes = std::vector<Result<void>>;

  /// Behind every handler that is ready now: what those hand in comes along.
  void flush_soon() {
    flushing_ = true;
    asio::post(executor_, [self = shared_from_this()] { self->flush(); });
  }

  void flush() {
    Group group = std::exchange(waiting_, {});
    if (thread_ != nullptr) {
      flush_elsewhere(std::move(group));
    } else {
      Outcomes const outcomes = write(store_, group);
      settle(group, outcomes);
    }
  }

  void flush_elsewhere(Group group) {
    auto loop = asio::prefer(executor_, asio::execution::outstanding_work.tracked);
    auto piece = [self = shared_from_this(), group = std::move(group), loop = std::move(loop)] {
      Outcomes outcomes;
      std::exception_ptr thrown;
      try {
        outcomes = write(self->store_, group);
      } catch (...) {
        thrown = std::current_exception();
      }
      asio::post(loop, [self, group, outcomes = std::move(outcomes), thrown] {
        if (thrown) std::rethrow_exception(thrown);
        self->settle(group, outcomes);
      });
    };
    asio::post(*thread_, std::move(piece));
  }

  static Outcomes write(storage::Store& store, Group const& group) {
    storage::Change together;
    for (auto const& entry : group) storage::append(together, entry->change);
    Result<void> const outcome = store.commit(together);
    Outcomes outcomes;
    for (auto const& entry : group) {
      // One bad change spoils the transaction, not its neighbours.
      bool const alone = outcome.has_value() || group.size() == 1;
      outcomes.push_back(alone ? outcome : store.commit(entry->change));
    }
    return outcomes;
  }

  void settle(Group const& group, Outcomes const& outcomes) {
    for (std::size_t i = 0; i < group.size(); ++i) {
      group[i]->outcome = outcomes[i];
      group[i]->settled.ring();
    }
    flushing_ = false;
    if (!waiting_.empty()) flush_soon();
  }

  asio::any_io_executor executor_;
  storage::Store& store_;
  asio::thread_pool* thread_;
  Group waiting_;
  bool flushing_{};  ///< A flush is to come or under way: what is put now is its, or the next one's.
};

GroupCommit::GroupCommit(asio::any_io_executor executor, storage::Store& store, asio::thread_pool* thread)
    : queue_(std::make_shared<Queue>(std::move(executor), store, thread)) {}

asio::awaitable<Result<void>> GroupCommit::commit(storage::Change change) {
  auto const entry = std::make_shared<Entry>(std::move(change));
  queue_->put(entry);
  bool const throws = co_await asio::this_coro::throw_if_cancelled();
  co_await asio::this_coro::throw_if_cancelled(false);
  while (!entry->outcome) co_await entry->settled.wait(entry->settled.rings());
  co_await asio::this_coro::throw_if_cancelled(throws);
  co_return *std::move(entry->outcome);
}

}  // namespace rekeyd::daemon
