#include "tests/simulator/randomness.hpp"

namespace rekeyd::sim {

// The standard's distributions may differ between libraries; these do not.
std::uint64_t Randomness::below(std::uint64_t limit) {
  std::uint64_t const uneven = (~std::uint64_t{0} % limit + 1) % limit;
  std::uint64_t drawn = number();
  while (drawn > ~std::uint64_t{0} - uneven) drawn = number();
  return drawn % limit;
}

bool Randomness::chance(double probability) {
  constexpr double steps = 9007199254740992.0;  // 2^53: what a double holds exactly
  return static_cast<double>(number() >> 11U) / steps < probability;
}

std::string Randomness::bytes(std::size_t count) {
  std::string result;
  result.reserve(count + 8);
  while (result.size() < count) {
    std::uint64_t drawn = number();
    for (int i = 0; i < 8; ++i, drawn >>= 8U) result.push_back(static_cast<char>(drawn & 0xffU));
  }
  result.resize(count);
  return result;
}

std::string Randomness::hex(std::size_t digits) {
  constexpr char const* letters = "0123456789abcdef";
  std::string result;
  result.reserve(digits);
  for (char const byte : bytes(digits)) result.push_back(letters[static_cast<unsigned char>(byte) & 0xfU]);
  return result;
}

std::string Randomness::uuid() {
  constexpr char const* variant = "89ab";
  std::string result = hex(36);
  result[8] = result[13] = result[18] = result[23] = '-';
  result[14] = '4';
  result[19] = variant[below(4)];
  return result;
}

}  // namespace rekeyd::sim
