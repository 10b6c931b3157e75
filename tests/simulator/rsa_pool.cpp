#include "tests/simulator/rsa_pool.hpp"

#include "tests/simulator/randomness.hpp"

#include <algorithm>

namespace rekeyd::sim {

void RsaPool::fill(unsigned bits) {
  auto& keys = keys_[bits];
  while (keys.made.size() < size_) keys.made.push_back(RsaKey::generate(bits, random_));
}

void RsaPool::adopt(RsaPool const& other) {
  for (auto const& [bits, keys] : other.keys_) {
    auto const count = static_cast<std::ptrdiff_t>(std::min(size_, keys.made.size()));
    keys_[bits].made.assign(keys.made.begin(), keys.made.begin() + count);
  }
}

RsaKey RsaPool::take(unsigned bits, RsaKey const* not_this) {
  if (size_ == 0) return RsaKey::generate(bits, random_);
  auto& keys = keys_[bits];
  if (keys.made.size() < size_) {
    keys.made.push_back(RsaKey::generate(bits, random_));
    return keys.made.back();
  }
  for (std::size_t tries = 0; tries < keys.made.size(); ++tries) {
    RsaKey const& key = keys.made[keys.next++ % keys.made.size()];
    if (not_this == nullptr || key.get() != not_this->get()) return key;
  }
  return RsaKey::generate(bits, random_);
}

}  // namespace rekeyd::sim
