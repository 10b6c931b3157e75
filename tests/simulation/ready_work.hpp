#pragma once
#include "tests/simulator/randomness.hpp"

#include <boost/asio/execution.hpp>
#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <functional>
#include <type_traits>
#include <utility>
#include <vector>

namespace rekeyd::simulation {

/// What could run now. One is drawn at a time: a real event loop promises no order between independent
/// coroutines, so a program that needs one must fail here.
class ReadyWork {
 public:
  using Work = std::move_only_function<void()>;

  explicit ReadyWork(sim::Randomness& order) : order_(order) {}
  ReadyWork(ReadyWork const&) = delete;
  ReadyWork& operator=(ReadyWork const&) = delete;

  void add(Work work) { ready_.push_back(std::move(work)); }
  bool empty() const { return ready_.empty(); }
  std::size_t size() const { return ready_.size(); }
  bool running() const { return running_; }
  /// Precondition: not empty.
  void run_one();
  /// Destroys what is ready, and what that destruction makes ready.
  void clear();

 private:
  sim::Randomness& order_;
  std::vector<Work> ready_;
  bool running_{false};
};

/// An executor that asio takes for an io_context's, and that puts work into a ReadyWork. As with the real
/// one, what is dispatched by running work runs at once. Timers and other services are still the
/// io_context's; whoever drives it polls that, too.
class ShuffledExecutor {
 public:
  ShuffledExecutor(ReadyWork& work, boost::asio::io_context& io) : work_(&work), io_(&io) {}

  template <class Function>
  void execute(Function&& function) const {
    if (at_once_ && work_->running()) {
      std::decay_t<Function> now(std::forward<Function>(function));
      now();
      return;
    }
    work_->add(std::forward<Function>(function));
  }
  boost::asio::execution_context& query(boost::asio::execution::context_t) const noexcept { return *io_; }
  boost::asio::execution::blocking_t query(boost::asio::execution::blocking_t) const noexcept {
    if (at_once_) return boost::asio::execution::blocking.possibly;
    return boost::asio::execution::blocking.never;
  }
  ShuffledExecutor require(boost::asio::execution::blocking_t::never_t) const noexcept { return with(false); }
  ShuffledExecutor require(boost::asio::execution::blocking_t::possibly_t) const noexcept {
    return with(true);
  }
  bool operator==(ShuffledExecutor const&) const noexcept = default;

 private:
  ShuffledExecutor with(bool at_once) const {
    ShuffledExecutor other = *this;
    other.at_once_ = at_once;
    return other;
  }

  ReadyWork* work_;
  boost::asio::io_context* io_;
  bool at_once_{true};
};

}  // namespace rekeyd::simulation
