#pragma once
#include "tests/simulation/ready_work.hpp"

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <map>
#include <optional>
#include <utility>

namespace rekeyd::simulation {

/// Coroutines that wait for something of the simulation, each under a key of its own: a moment, a letter's
/// answer. A waiter who is cancelled hears the answer that was agreed for that.
template <class Key, class Answer>
class WaitingRoom {
 public:
  explicit WaitingRoom(ReadyWork& ready) : ready_(ready) {}
  WaitingRoom(WaitingRoom const&) = delete;
  WaitingRoom& operator=(WaitingRoom const&) = delete;

  /// Precondition: nobody waits under `key`.
  boost::asio::awaitable<Answer> wait(Key key, Answer if_cancelled) {
    return boost::asio::async_initiate<boost::asio::use_awaitable_t<> const, void(Answer)>(
        [this](auto handler, Key under, Answer cancelled) {
          seat(Handler(std::move(handler)), std::move(under), std::move(cancelled));
        },
        boost::asio::use_awaitable, std::move(key), std::move(if_cancelled));
  }

  /// False when nobody waits for it any more.
  bool answer(Key const& key, Answer with) {
    auto const found = waiting_.find(key);
    if (found == waiting_.end()) return false;
    auto node = waiting_.extract(found);
    Waiter& waiter = node.mapped();
    if (waiter.slot.is_connected()) waiter.slot.clear();
    ready_.add([handler = std::move(waiter.handler), said = std::move(with)]() mutable {
      std::move(handler)(std::move(said));
    });
    return true;
  }

  /// Their owner is dead: whoever waits is gone without an answer.
  void drop() {
    while (!waiting_.empty()) auto const gone = waiting_.extract(waiting_.begin());
  }

  std::size_t size() const { return waiting_.size(); }
  /// The first in the order of the keys; nothing when nobody waits.
  std::optional<Key> first() const {
    return waiting_.empty() ? std::nullopt : std::optional(waiting_.begin()->first);
  }

 private:
  // Its cancellation slot is its own: it forwards what the coroutine's says.
  using Handler = boost::asio::any_completion_handler<void(Answer)>;
  struct Waiter {
    Handler handler;
    boost::asio::cancellation_slot slot;
  };

  void seat(Handler handler, Key key, Answer if_cancelled) {
    auto slot = boost::asio::get_associated_cancellation_slot(handler);
    if (slot.is_connected()) {
      slot.assign([this, key, said = std::move(if_cancelled)](boost::asio::cancellation_type) mutable {
        cancel(key, std::move(said));
      });
    }
    waiting_.emplace(std::move(key), Waiter{std::move(handler), slot});
  }

  // Not through answer(): the slot must not be cleared while it calls.
  void cancel(Key const& key, Answer said) {
    auto const found = waiting_.find(key);
    if (found == waiting_.end()) return;
    auto node = waiting_.extract(found);
    ready_.add([handler = std::move(node.mapped().handler), with = std::move(said)]() mutable {
      std::move(handler)(std::move(with));
    });
  }

  ReadyWork& ready_;
  std::map<Key, Waiter> waiting_;
};

}  // namespace rekeyd::simulation
