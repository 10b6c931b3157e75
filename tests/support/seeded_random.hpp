#pragma once
#include "providers/system/random.hpp"

#include <cstdint>

namespace rekeyd::test {

/// The same numbers for the same seed, on every machine (SplitMix64 of Steele, Lea and Flood).
class SeededRandom final : public providers::Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
  void fill(std::span<std::byte> out) override;

 private:
  std::uint64_t next();
  std::uint64_t state_;
};

}  // namespace rekeyd::test
