#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace rekeyd::providers {

/// Every number drawn goes through here, so that a simulation replays from a seed. Secrets are never drawn
/// from a Random: key material comes from OpenSSL.
class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(std::span<std::byte> out) = 0;

  /// Uniform in [0, n); n > 0. Our own arithmetic, since standard distributions differ between libraries.
  std::uint64_t below(std::uint64_t n);
  /// A version 4 UUID in lower case: correlation and request ids.
  std::string uuid();
  /// Uniform in [0, 1).
  double unit();
};

}  // namespace rekeyd::providers
