#pragma once
#include "tests/simulator/randomness.hpp"

#include <boost/asio/execution.hpp>
#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <functional>
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
  /// Precondition: not empty.
  void run_one();
  /// Destroys what is ready, and what that destruction makes ready.
  void clear();

 private:
  sim::Randomness& order_;
  std::vector<Work> ready_;
};

/// An executor that asio takes for an io_context's, and that only puts work into a ReadyWork. Timers and
/// other services are still those of the io_context; whoever drives it polls that, too.
class ShuffledExecutor {
 public:
  ShuffledExecutor(ReadyWork& work, boost::asio::io_context& io) : work_(&work), io_(&io) {}

  template <class Function>
  void execute(Function&& function) const {
    work_->add(std::forward<Function>(function));
  }
  boost::asio::execution_context& query(boost::asio::execution::context_t) const noexcept { return *io_; }
  static constexpr boost::asio::execution::blocking_t query(boost::asio::execution::blocking_t) noexcept {
    return boost::asio::execution::blocking.never;
  }
  ShuffledExecutor require(boost::asio::execution::blocking_t::never_t) const noexcept { return *this; }
  bool operator==(ShuffledExecutor const&) const noexcept = default;

 private:
  ReadyWork* work_;
  boost::asio::io_context* io_;
};

}  // namespace rekeyd::simulation
