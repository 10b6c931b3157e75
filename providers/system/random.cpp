#include "providers/system/random.hpp"

#include <fmt/format.h>

#include <array>
#include <stdexcept>

namespace rekeyd::providers {
namespace {

// Spelled out byte by byte, so that a seed replays alike on every machine.
std::uint64_t draw(Random& random) {
  std::array<std::byte, 8> bytes{};
  random.fill(bytes);
  std::uint64_t number = 0;
  for (auto const byte : bytes) number = number << 8 | std::to_integer<std::uint64_t>(byte);
  return number;
}

}  // namespace

std::uint64_t Random::below(std::uint64_t n) {
  if (n == 0) throw std::invalid_argument("Random::below(0)");
  // 2^64 mod n numbers at the bottom would make small results likelier: draw again.
  auto const uneven = (std::uint64_t{0} - n) % n;
  for (;;) {
    auto const number = draw(*this);
    if (number >= uneven) return number % n;
  }
}

double Random::unit() { return static_cast<double>(draw(*this) >> 11) * 0x1.0p-53; }

std::string Random::uuid() {
  auto high = draw(*this);
  auto low = draw(*this);
  high = (high & ~std::uint64_t{0xf000}) | 0x4000;                   // version 4
  low = (low & ~(std::uint64_t{3} << 62)) | std::uint64_t{2} << 62;  // variant of RFC 4122
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, high >> 16 & 0xffff, high & 0xffff,
                     low >> 48, low & 0xffffffffffff);
}

}  // namespace rekeyd::providers
