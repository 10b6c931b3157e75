#pragma once
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>

namespace rekeyd::sim {

/// Everything in the model that looks like chance: identifiers, keys, faults. The same seed gives the same
/// world and the same answers, so that a failed simulation can be lived again.
class Randomness {
 public:
  explicit Randomness(std::uint64_t seed) : engine_(seed) {}

  std::uint64_t number() { return engine_(); }
  /// 0 to `limit` - 1, each as likely; `limit` > 0.
  std::uint64_t below(std::uint64_t limit);
  /// True with that probability.
  bool chance(double probability);
  std::string bytes(std::size_t count);
  /// `digits` lower-case hexadecimal digits.
  std::string hex(std::size_t digits);
  /// A version-4 UUID with dashes, lower case.
  std::string uuid();

 private:
  std::mt19937_64 engine_;
};

}  // namespace rekeyd::sim
