#include "tests/simulator/rsa_pool.hpp"

#include "tests/simulator/randomness.hpp"

namespace rekeyd::sim {

void RsaPool::fill(unsigned bits) {
  auto& keys = keys_[bits];
  while (keys.made.size() < size_) keys.made.push_back(RsaKey::generate(bits, random_));
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
