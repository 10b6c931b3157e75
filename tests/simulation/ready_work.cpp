#include "tests/simulation/ready_work.hpp"

namespace rekeyd::simulation {

void ReadyWork::run_one() {
  std::size_t const drawn = ready_.size() == 1 ? 0 : order_.below(ready_.size());
  std::swap(ready_[drawn], ready_.back());
  Work work = std::move(ready_.back());
  ready_.pop_back();
  running_ = true;
  work();
  running_ = false;
}

void ReadyWork::clear() {
  // What is destroyed may unwind coroutines, which asio does through their executor: here.
  while (!ready_.empty()) {
    auto const dropped = std::exchange(ready_, {});
  }
}

}  // namespace rekeyd::simulation
