#pragma once
#include <optional>

namespace rekeyd {

/// A rotation interval: 1 to 12 calendar months, and nothing else.
class Months {
 public:
  static constexpr std::optional<Months> of(long long count) {
    if (count < 1 || count > 12) return std::nullopt;
    return Months(static_cast<int>(count));
  }
  constexpr int count() const { return count_; }
  auto operator<=>(Months const&) const = default;

 private:
  constexpr explicit Months(int count) : count_(count) {}
  int count_;
};

}  // namespace rekeyd
