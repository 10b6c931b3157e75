#include "tests/support/seeded_random.hpp"

#include <algorithm>

namespace rekeyd::test {

std::uint64_t SeededRandom::next() {
  state_ += 0x9e3779b97f4a7c15;
  auto z = state_;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

void SeededRandom::fill(std::span<std::byte> out) {
  while (!out.empty()) {
    auto number = next();
    auto const piece = out.first(std::min<std::size_t>(out.size(), 8));
    for (auto& byte : piece) {
      byte = static_cast<std::byte>(number & 0xff);
      number >>= 8;
    }
    out = out.subspan(piece.size());
  }
}

}  // namespace rekeyd::test
