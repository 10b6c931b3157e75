#pragma once
#include "tests/simulator/crypto.hpp"

#include <cstddef>
#include <map>
#include <vector>

namespace rekeyd::sim {

/// Ready-made RSA keys. Making one takes 0.1 s and more, which would be all that a load test measures, so
/// a world may declare (`rsa_pool`) that key versions share a limited number of key pairs, handed out in
/// turn.
class RsaPool {
 public:
  /// At most `size` keys of each length are made; 0: every key is a new one.
  RsaPool(std::size_t size, Randomness& random) : size_(size), random_(random) {}

  /// Makes the keys of that length now rather than when they are first asked for.
  void fill(unsigned bits);
  /// Hands out the keys of `other` before it makes any, at most `size` of each length.
  void adopt(RsaPool const& other);
  /// Never `not_this`: two versions of one key must differ, or a forgotten rewrap would go unnoticed.
  RsaKey take(unsigned bits, RsaKey const* not_this = nullptr);

 private:
  struct Keys {
    std::vector<RsaKey> made;
    std::size_t next{0};
  };
  std::size_t size_;
  Randomness& random_;
  std::map<unsigned, Keys> keys_;
};

}  // namespace rekeyd::sim
