#pragma once
#include "providers/system/clock.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>

namespace rekeyd::simulation {

/// What will happen in the world at its moment, whether a daemon lives or not: a request arrives, a person
/// acts, an outage ends.
class Happenings {
 public:
  using Mono = providers::Clock::Mono;

  void at(Mono when, std::move_only_function<void()> what) {
    coming_.emplace(std::pair(when, number_++), std::move(what));
  }
  std::optional<Mono> next() const {
    return coming_.empty() ? std::nullopt : std::optional(coming_.begin()->first.first);
  }
  /// Precondition: there is one.
  void run_next() {
    auto node = coming_.extract(coming_.begin());
    node.mapped()();
  }
  bool empty() const { return coming_.empty(); }

 private:
  std::uint64_t number_{0};
  std::map<std::pair<Mono, std::uint64_t>, std::move_only_function<void()>> coming_;
};

}  // namespace rekeyd::simulation
